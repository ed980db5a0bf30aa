#include "service/effects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply.h"
#include "sandbox/changes.h"
#include "sandbox/seed.h"
#include "service/effects_files.h"
#include "service/effects_seen.h"
#include "service/picks.h"

#define LIST_MAX  (512 * MIB)
#define PATCH_MAX (512 * MIB)
#define NAMED_MAX (64 * KIB) /* of the files an apply left out, as JSON; one entry may go beyond */

/* ---- where things are -------------------------------------------------- */

struct root_arg {
    const struct run_row *row;
    char *root;
};

static int root_tx(struct db *db, void *arg, struct err *e)
{
    struct root_arg *a = arg;
    AUTO(project_row_fini) struct project_row prj = {0};
    int r = project_get(db, a->row->tenant_id, &a->row->project_id, &prj, e);

    if (r < 0)
        return r;
    free(a->root);
    a->root = str_dup(prj.root_path);
    return a->root ? 0 : err_oom(e);
}

int effects_root(struct svc *svc, const struct run_row *row, char **ret, struct err *e)
{
    struct root_arg a = {.row = row};
    int r = store_read(svc->store, root_tx, &a, e);
    AUTO(fd_close) int root = r == 0 ? dir_open_canonical(a.root, O_PATH) : -1;

    if (r == 0 && root < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        r = err_sys(e, ERR_IO, "look at the project's directory %s", a.root);
    else if (r == 0 && root < 0)
        r = err_set(e, ERR_NOT_FOUND, "the project's directory %s is gone%s", a.root,
                    errno == ELOOP ? ": its path leads through a symbolic link now" : "");
    if (r < 0) {
        free(a.root);
        return r;
    }
    *ret = a.root;
    return 0;
}

/* A run with its own copy of the project has one layer, which is no layer of a step: the copy, once it is made. */
static int copy_layer(struct svc *svc, const struct run_row *row, const char **v, struct err *e)
{
    char dir[RUN_DIR_MAX];
    int64_t bytes;
    int r = svc_run_dir(svc, &row->id, dir, e);

    if (r == 0)
        r = seed_made(dir, &bytes, e);
    if (r > 0)
        v[0] = SEED_LAYER;
    return r < 0 ? r : 0;
}

int effects_layers(const struct run_row *row, const struct run_steps *steps, int64_t before, const char ***ret,
                   struct err *e)
{
    const char **v = calloc(steps->n + 2, sizeof *v);
    size_t n = 0;

    if (!v)
        return err_oom(e);
    *ret = v;
    if (row->seed_copy)
        return 0;
    for (size_t i = 0; i < steps->n; i++)
        if (steps->v[i].layer && (before < 0 || steps->v[i].index < before))
            v[n++] = steps->v[i].layer;
    return 0;
}

static int run_fd(struct svc *svc, const struct id *run, struct err *e)
{
    char rel[64];
    int fd;

    snprintf(rel, sizeof rel, "runs/%s", run->s);
    fd = openat(svc->data_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : err_sys(e, ERR_IO, "open the directory of run %s", run->s);
}

/* One apply or undo at a time per project; the lock goes with the fd. */
static int lock_project(struct svc *svc, const struct id *project, struct err *e)
{
    AUTO(fd_close) int dir = -1;
    int fd, r = dir_make(svc->data_fd, "locks", &dir, e);

    if (r < 0)
        return r;
    fd = openat(dir, project->s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, ERR_IO, "open the project's lock");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    r = errno == EWOULDBLOCK ? err_set(e, ERR_BUSY, "another apply works on this project")
                             : err_sys(e, ERR_IO, "lock the project");
    close(fd);
    return r;
}

/* ---- computing --------------------------------------------------------- */

int effects_sum_json(const struct effects_sum *s, struct buf *out, struct err *e)
{
    struct jw w = JW_INIT(out);

    jw_obj(&w);
    jw_kint(&w, "files", s->files);
    jw_kint(&w, "additions", s->additions);
    jw_kint(&w, "deletions", s->deletions);
    jw_kint(&w, "refused", s->refused);
    jw_kstr(&w, "digest", s->digest);
    jw_end_obj(&w);
    return out->bad ? err_oom(e) : 0;
}

static int scan(struct svc *svc, const struct run_row *row, const struct run_steps *steps, const char *run_dir,
                const char *root, struct changes **ret, struct err *e)
{
    struct changes_in in = {.project_root = root, .run_dir = run_dir, .copied = row->seed_copy};
    const char **layers = NULL;
    int r = effects_layers(row, steps, -1, &layers, e);

    if (r == 0 && row->seed_copy)
        r = copy_layer(svc, row, layers, e);
    in.layers = layers;
    if (r == 0)
        r = changes_scan(&in, ret, e);
    free(layers);
    return r;
}

int effects_compute(struct svc *svc, const struct run_row *row, const struct run_steps *steps, struct effects_sum *ret,
                    struct err *e)
{
    AUTO_PTR(changes_free) struct changes *ch = NULL;
    AUTO(fd_close) int fd = -1;
    char *root = NULL, dir[RUN_DIR_MAX];
    struct changes_sum sum;
    int r = effects_root(svc, row, &root, e);

    if (r == 0)
        r = svc_run_dir(svc, &row->id, dir, e);
    if (r == 0)
        r = scan(svc, row, steps, dir, root, &ch, e);
    if (r == 0)
        fd = run_fd(svc, &row->id, e);
    if (r == 0)
        r = fd < 0 ? fd : effects_files_write(fd, ch, e);
    if (r == 0) {
        sum = changes_sum(ch);
        *ret = (struct effects_sum){sum.files, sum.additions, sum.deletions, sum.refused, ""};
        changes_digest(ch, ret->digest);
    }
    free(root);
    return r;
}

/* ---- applying ---------------------------------------------------------- */

/* The result goes into the run's row, an event and an audit record, which are bounded: the list names the first files
 * and counts the rest, so that a large apply is recorded like a small one. */
static int put_list(struct jw *w, const char *key, const char *list, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    AUTO(buf_fini) struct buf more = BUF_INIT(64);
    size_t start = w->out->len, n, i;
    int r = json_parse(list ? list : "[]", strlen(list ? list : "[]"), &doc, e);

    if (r < 0)
        return r;
    n = json_len(doc);
    jw_key(w, key);
    jw_arr(w);
    for (i = 0; i < n && w->out->len - start < NAMED_MAX; i++) {
        const struct json *it = json_at(doc, i);

        jw_obj(w);
        jw_kstr(w, "path", json_str(json_get(it, "path")));
        jw_kstr_opt(w, "path_b64", json_str(json_get(it, "path_b64")));
        jw_kstr(w, "why", json_str(json_get(it, "why")));
        jw_end_obj(w);
    }
    if (i < n) {
        buf_printf(&more, "and %zu more", n - i);
        jw_obj(w);
        jw_kstr(w, "path", ".");
        jw_kstr(w, "why", more.p);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    return 0;
}

static struct picks_ask asked_picks(const struct json *apply)
{
    return (struct picks_ask){json_get(apply, "paths"), json_get(apply, "paths_b64"), json_get(apply, "hunks")};
}

static int result_json(const struct apply_result *res, bool applied, const struct json *asked, char **ret,
                       struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(2 * MIB); /* the selection was bounded when it was taken */
    struct jw w = JW_INIT(&b);
    int r;

    jw_obj(&w);
    jw_kbool(&w, "applied", applied);
    jw_kint(&w, "files", res->files);
    jw_kint(&w, "additions", res->additions);
    jw_kint(&w, "deletions", res->deletions);
    const struct picks_ask picks = asked_picks(asked);
    picks_json(&picks, &w);
    r = put_list(&w, "conflicts", res->conflicts, e);
    if (r == 0)
        r = put_list(&w, "skipped", res->skipped, e);
    jw_end_obj(&w);
    if (r < 0)
        return r;
    if (b.bad)
        return err_bad(e, b.bad, "the result of the apply is too large");
    *ret = str_dup(b.p);
    return *ret ? 0 : err_oom(e);
}

struct job {
    const struct run_row *row;
    char *root, dir[RUN_DIR_MAX];
    int lock;
    struct json *apply; /* row->apply, parsed */
    struct apply_result res;
};

static void job_fini(struct job *j)
{
    free(j->root);
    fd_close(&j->lock);
    json_free(j->apply);
    apply_result_fini(&j->res);
}

static int job_init(struct svc *svc, const struct run_row *row, struct job *j, struct err *e)
{
    int r;

    *j = (struct job){.row = row, .lock = -1};
    r = effects_root(svc, row, &j->root, e);
    if (r == 0)
        r = svc_run_dir(svc, &row->id, j->dir, e);
    if (r == 0 && row->apply)
        r = json_parse(row->apply, strlen(row->apply), &j->apply, e);
    if (r < 0)
        return r;
    j->lock = lock_project(svc, &row->project_id, e);
    return j->lock < 0 ? j->lock : 0;
}

/* The digest is not the one that was reviewed: the project moved on. What is selected and did not move can be applied
 * all the same; a move that no shown change tells of (an implied directory) stops everything. */
static int moved_on(struct job *j, const struct changes *ch, const char *const *only, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(LIST_MAX), seen = BUF_INIT(LIST_MAX);
    AUTO(fd_close) int dir = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct jw w = JW_INIT(&b);
    size_t n = 0, all = 0;
    int r = dir < 0 ? err_sys(e, ERR_IO, "open the run's directory") : file_read(dir, "seen", &seen, e);

    jw_arr(&w);
    if (r == 0)
        r = effects_seen_moved(seen.p ? seen.p : "", seen.len, ch, NULL, &w, &all, e);
    buf_reset(&b);
    w = JW_INIT(&b);
    jw_arr(&w);
    if (r == 0)
        r = effects_seen_moved(seen.p ? seen.p : "", seen.len, ch, only, &w, &n, e);
    if (r < 0 || (n == 0 && all > 0))
        return r;
    if (n == 0) {
        jw_obj(&w);
        jw_kstr(&w, "path", ".");
        jw_kstr(&w, "why", "its directories changed in the project since the run began");
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    if (b.bad)
        return err_oom(e);
    j->res.conflicts = str_dup(b.p);
    return j->res.conflicts ? err_set(e, ERR_APPLY_CONFLICT,
                                      "the project changed since the changes were reviewed: "
                                      "nothing was applied")
                            : err_oom(e);
}

static int still_reviewed(struct job *j, const struct changes *ch, const char *const *only, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    const char *text = j->row->changes ? j->row->changes : "{}";
    char digest[65];
    int r = json_parse(text, strlen(text), &doc, e);

    if (r < 0)
        return r;
    changes_digest(ch, digest);
    return str_eq(digest, json_str(json_get(doc, "digest"))) ? 0 : moved_on(j, ch, only, e);
}

static int apply_new(struct svc *svc, struct job *j, const struct run_steps *steps, struct err *e)
{
    AUTO_PTR(changes_free) struct changes *ch = NULL;
    AUTO(picks_fini) struct picks picks = {0};
    const char *const *only = NULL; /* all */
    const struct picks_ask ask = asked_picks(j->apply);
    int r = scan(svc, j->row, steps, j->dir, j->root, &ch, e);

    if (r == 0)
        r = picks_read(&ask, &picks, e);
    if (r == 0 && !picks.all)
        only = (const char *const *)picks.v;
    if (r == 0)
        r = still_reviewed(j, ch, only, e);
    if (r == 0)
        r = apply_run_hunks(ch, j->dir, j->root, only, picks.hunk, picks.nhunk, &j->res, e);
    return r;
}

int effects_apply(struct svc *svc, const struct run_row *row, const struct run_steps *steps, char **ret_json,
                  int64_t *ret_files, struct err *e)
{
    AUTO(job_fini) struct job j;
    int state = 0, r2, r = job_init(svc, row, &j, e);

    if (r < 0)
        return r;
    r = apply_recover(j.dir, j.root, &state, &j.res, e);
    if (r == 0 && state != 2 && state != 3)
        r = apply_new(svc, &j, steps, e);
    if (r < 0 && r != -ERR_APPLY_CONFLICT)
        return r;
    r2 = result_json(&j.res, r == 0, j.apply, ret_json, e);
    *ret_files = j.res.files;
    return r2 < 0 ? r2 : r;
}

static int undo_patch(struct svc *svc, const struct id *run, const char *applied_dir, const char *root, struct err *e)
{
    AUTO(buf_fini) struct buf patch = BUF_INIT(PATCH_MAX);
    AUTO(fd_close) int dir = run_fd(svc, run, e);
    int r;

    if (dir < 0)
        return dir;
    r = apply_undo_patch(applied_dir, root, &patch, e);
    return r < 0 ? r : file_replace(dir, "diff.patch", patch.p ? patch.p : "", patch.len, 0600, e);
}

int effects_undo(struct svc *svc, const struct run_row *row, char **ret_json, int64_t *ret_files, struct err *e)
{
    AUTO(job_fini) struct job j;
    char applied[RUN_DIR_MAX], rel[64];
    int state = 0, r2, r = job_init(svc, row, &j, e);

    if (r == 0)
        r = svc_run_dir(svc, &row->undoes, applied, e);
    snprintf(rel, sizeof rel, "runs/%s", row->id.s);
    if (r == 0)
        r = dir_make(svc->data_fd, rel, NULL, e);
    if (r == 0)
        r = apply_recover(j.dir, j.root, &state, &j.res, e);
    if (r == 0 && state != 2 && state != 3) {
        r = undo_patch(svc, &row->id, applied, j.root, e);
        if (r == 0)
            r = apply_undo(applied, j.dir, j.root, &j.res, e);
    }
    if (r < 0 && r != -ERR_APPLY_CONFLICT)
        return r;
    r2 = result_json(&j.res, r == 0, NULL, ret_json, e);
    *ret_files = j.res.files;
    return r2 < 0 ? r2 : r;
}

/* The run's row tells of its apply already. */
static int is_recorded(const struct run_row *row, bool *ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    int r = row->apply ? json_parse(row->apply, strlen(row->apply), &doc, e) : 0;

    *ret = json_true(json_get(doc, "applied"));
    return r;
}

int effects_settle(struct svc *svc, const struct run_row *row, char **ret_json, int64_t *ret_files, struct err *e)
{
    AUTO(job_fini) struct job j = {.lock = -1};
    bool recorded;
    char rel[96];
    int state = 0, r;

    *ret_json = NULL;
    snprintf(rel, sizeof rel, "runs/%s/apply", row->id.s);
    if (faccessat(svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    r = is_recorded(row, &recorded, e);
    if (r < 0 || recorded)
        return r; /* and another run's apply, which may hold the project, is not waited for */
    r = job_init(svc, row, &j, e);
    if (r == -ERR_NOT_FOUND) /* the project's directory is gone: nothing can be completed or rolled back there */
        return 0;
    if (r < 0)
        return r;
    r = apply_recover(j.dir, j.root, &state, &j.res, e);
    if (r < 0 || (state != 2 && state != 3))
        return r;
    *ret_files = j.res.files;
    return result_json(&j.res, true, j.apply, ret_json, e);
}

bool effects_half_done(const struct svc *svc, const struct id *run)
{
    char journal[64], done[64];

    snprintf(journal, sizeof journal, "runs/%s/apply", run->s);
    snprintf(done, sizeof done, "runs/%s/apply/done", run->s);
    return faccessat(svc->data_fd, journal, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
           faccessat(svc->data_fd, done, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* What was being written when a server died. Nobody writes there any more. */
static void drop_temps(struct svc *svc, const struct id *run)
{
    int fd = run_fd(svc, run, NULL);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    for (struct dirent *de; d && (de = readdir(d));)
        if (str_starts(de->d_name, ".tmp-"))
            (void)unlinkat(fd, de->d_name, 0);
    if (d)
        closedir(d);
    else
        fd_close(&fd);
}

int effects_drop_layers(struct svc *svc, const struct id *run, struct err *e)
{
    static const char *const names[] = {"shim", "layers"}; /* layers last: the reconciler looks for them */
    char rel[64];
    int r = 0;

    drop_temps(svc, run);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
        snprintf(rel, sizeof rel, "runs/%s/%s", run->s, names[i]);
        r = dir_remove(svc->data_fd, rel, e);
        CRASH_POINT(layers_dropped);
    }
    return r;
}
