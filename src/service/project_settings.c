#include "service/project_settings.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

int project_settings_seed(struct project_settings *s, const char *word, struct err *e)
{
    if (!str_eq(word, "overlay") && !str_eq(word, "copy"))
        return err_field(e, ERR_INVALID, "seed", "use one of: overlay, copy");
    (void)!str_copy(s->seed, sizeof s->seed, word);
    return 0;
}

/* The object replaces all three: a member that is not in it is the server's again. */
static int merge_retention(struct project_settings *s, const struct json *given, struct err *e)
{
    static const char *const keys[] = {"runs_ms", "failed_runs_ms", "logs_ms", NULL};
    const struct json *o = NULL;
    int64_t runs = -1, failed = -1, logs = -1;
    int r = json_want_obj(given, "", "retention", J_OPT, &o, e);

    if (r < 0 || !o)
        return r;
    r = json_known(o, "retention", keys, e);
    if (r == 0)
        r = json_want_int(o, "retention", "runs_ms", J_OPT, 0, RETENTION_MAX_MS, &runs, e);
    if (r == 0)
        r = json_want_int(o, "retention", "failed_runs_ms", J_OPT, 0, RETENTION_MAX_MS, &failed, e);
    if (r == 0)
        r = json_want_int(o, "retention", "logs_ms", J_OPT, 0, RETENTION_MAX_MS, &logs, e);
    if (r < 0)
        return r;
    s->runs_ms = runs;
    s->failed_runs_ms = failed;
    s->logs_ms = logs;
    return 0;
}

static void retention_json(struct jw *w, const struct project_settings *s)
{
    if (s->runs_ms < 0 && s->failed_runs_ms < 0 && s->logs_ms < 0)
        return;
    jw_key(w, "retention");
    jw_obj(w);
    if (s->runs_ms >= 0)
        jw_kint(w, "runs_ms", s->runs_ms);
    if (s->failed_runs_ms >= 0)
        jw_kint(w, "failed_runs_ms", s->failed_runs_ms);
    if (s->logs_ms >= 0)
        jw_kint(w, "logs_ms", s->logs_ms);
    jw_end_obj(w);
}

int project_settings_merge(struct project_settings *s, const struct json *given, struct err *e)
{
    static const char *const keys[] = {"toolchains", "seed", "retention", "max_running", NULL};
    const char *tools = NULL, *seed = NULL;
    int r = json_known(given, "", keys, e);

    if (r == 0)
        r = json_want_str(given, "", "toolchains", J_OPT, sizeof s->toolchains - 1, &tools, e);
    if (r == 0 && tools)
        r = toolchains_choice_ok(tools, "toolchains", e);
    if (r == 0 && tools)
        (void)!str_copy(s->toolchains, sizeof s->toolchains, tools);
    if (r == 0)
        r = json_want_int(given, "", "max_running", J_OPT, 0, PROJECT_RUNNING_MAX, &s->max_running, e);
    if (r == 0)
        r = json_want_str(given, "", "seed", J_OPT, sizeof s->seed - 1, &seed, e);
    if (r == 0 && seed)
        r = project_settings_seed(s, seed, e);
    return r == 0 ? merge_retention(s, given, e) : r;
}

int project_settings_read(const char *text, struct project_settings *ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *o = NULL;
    struct project_settings s = PROJECT_SETTINGS_INIT;
    int r = text && *text ? json_parse(text, strlen(text), &o, e) : 0;

    if (r == 0 && o)
        r = project_settings_merge(&s, o, e);
    if (r < 0)
        return err_wrap(e, r, "the project's stored settings");
    *ret = s;
    return 0;
}

void project_settings_json(struct jw *w, const struct project_settings *s)
{
    jw_obj(w);
    if (s->toolchains[0])
        jw_kstr(w, "toolchains", s->toolchains);
    if (s->seed[0])
        jw_kstr(w, "seed", s->seed);
    if (s->max_running)
        jw_kint(w, "max_running", s->max_running);
    retention_json(w, s);
    jw_end_obj(w);
}

int project_toolchains(const struct svc *svc, const struct project_row *row, struct toolchains **ret, struct err *e)
{
    struct toolchain_ask ask = {.owner = geteuid(), .project = row->root_path, .data_dir = svc->data_dir};
    struct project_settings s;
    struct stat st;
    char *home = NULL;
    int r = project_settings_read(row->settings, &s, e);

    AUTO(fd_close) int root = r == 0 && geteuid() == 0 ? dir_open_canonical(row->root_path, O_PATH) : -1;
    if (root >= 0 && fstat(root, &st) == 0)
        ask.owner = st.st_uid;
    if (r == 0)
        r = toolchains_home(ask.owner, svc->set.home, &home, e);
    if (r < 0)
        return r;
    ask.home = home;
    ask.choice = s.toolchains[0] ? s.toolchains : svc->set.toolchains ? svc->set.toolchains : "auto";
    r = toolchains_find(&ask, ret, e);
    free(home);
    return r;
}
