#include "service/project_settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

int project_settings_seed(struct project_settings *s, const char *word, struct err *e)
{
    if (!str_eq(word, "overlay") && !str_eq(word, "copy"))
        return err_field(e, ERR_INVALID, "seed", "use one of: overlay, copy");
    (void)!str_copy(s->seed, sizeof s->seed, word);
    return 0;
}

int project_settings_merge(struct project_settings *s, const struct json *given, struct err *e)
{
    static const char *const keys[] = {"toolchains", "seed", NULL};
    const char *tools = NULL, *seed = NULL;
    int r = json_known(given, "", keys, e);

    if (r == 0)
        r = json_want_str(given, "", "toolchains", J_OPT, sizeof s->toolchains - 1, &tools, e);
    if (r == 0 && tools)
        r = toolchains_choice_ok(tools, "toolchains", e);
    if (r == 0 && tools)
        (void)!str_copy(s->toolchains, sizeof s->toolchains, tools);
    if (r == 0)
        r = json_want_str(given, "", "seed", J_OPT, sizeof s->seed - 1, &seed, e);
    return r == 0 && seed ? project_settings_seed(s, seed, e) : r;
}

int project_settings_read(const char *text, struct project_settings *ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *o = NULL;
    struct project_settings s = {.seed = ""};
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
    jw_end_obj(w);
}

int project_toolchains(const struct svc *svc, const struct project_row *row, struct toolchains **ret, struct err *e)
{
    struct toolchain_ask ask = {.owner = geteuid(), .project = row->root_path, .data_dir = svc->data_dir};
    struct project_settings s;
    struct stat st;
    char *home = NULL;
    int r = project_settings_read(row->settings, &s, e);

    if (r == 0 && geteuid() == 0 && stat(row->root_path, &st) == 0)
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
