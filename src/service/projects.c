#include "service/projects.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/project_settings.h"
#include "service/view.h"
#include "store/run_rows.h"

#define NAME_MAX_LEN     100
#define FOREIGN_SCAN_MAX 20000 /* entries looked at for files of other owners: a note, so bounded */
#define FOREIGN_NAMED    10

static bool name_ok(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > NAME_MAX_LEN || !utf8_valid(s, n) || s[0] == '.' || s[0] == '-' || str_starts(s, "prj_"))
        return false;
    for (const char *p = s; p < s + n;) {
        int32_t cp = utf8_next(&p, s + n);

        if (cp <= ' ' || cp == 0x7f || cp == '/' || utf8_deceptive(cp))
            return false;
    }
    return true;
}

static int root_allowed(const struct svc *svc, const char *root, struct err *e)
{
    static const char *const never[] = {"/",      "/etc",     "/usr",     "/bin",  "/sbin", "/lib",
                                        "/lib64", "/proc",    "/sys",     "/dev",  "/boot", "/run",
                                        "/var",   "/var/log", "/var/lib", "/home", "/root", "/tmp"};

    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (strcmp(root, never[i]) == 0)
            return err_field(e, ERR_INVALID, "root_path", "%s is a system directory: name one project's directory",
                             root);
    if (path_contains(root, svc->data_dir) || path_contains(svc->data_dir, root))
        return err_field(e, ERR_INVALID, "root_path", "a project may not hold the data directory (%s), nor lie in it",
                         svc->data_dir);
    if (!svc->set.allowed_roots)
        return 0;
    for (const char *const *a = svc->set.allowed_roots; *a; a++)
        if (path_contains(*a, root))
            return 0;
    return err_field(e, ERR_INVALID, "root_path", "%s is not below one of the server's allowed_roots", root);
}

/* ---- warnings: files the sandbox will not be able to write ------------- */

struct scan {
    uid_t owner;
    int seen, found;
    struct buf *names; /* JSON-free list for the message */
};

static void scan_dir(int dirfd, const char *path, int depth, struct scan *s)
{
    int fd = file_open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *de;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (s->seen < FOREIGN_SCAN_MAX && (de = readdir(d))) {
        struct stat st;

        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        s->seen++;
        if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (st.st_uid != s->owner && s->found++ < FOREIGN_NAMED)
            buf_printf(s->names, "%s%s/%s", s->names->len ? ", " : "", strcmp(path, ".") == 0 ? "" : path, de->d_name);
        if (S_ISDIR(st.st_mode) && depth < 16 && st.st_dev) {
            char sub[4096];
            int n = snprintf(sub, sizeof sub, "%s/%s", path, de->d_name);

            if (n > 0 && (size_t)n < sizeof sub)
                scan_dir(dirfd, sub, depth + 1, s);
        }
    }
    closedir(d);
}

static void foreign_warning(const char *root, struct buf *out)
{
    AUTO(fd_close) int fd = dir_open_canonical(root, O_RDONLY);
    AUTO(buf_fini) struct buf names = BUF_INIT(16 * KIB);
    struct scan s = {.names = &names};
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    s.owner = st.st_uid;
    scan_dir(fd, ".", 0, &s);
    if (s.found)
        buf_printf(out, "%d files belong to another user than the project itself; steps cannot change them: %s%s",
                   s.found, names.p ? names.p : "", s.found > FOREIGN_NAMED ? ", …" : "");
}

/* ---- add --------------------------------------------------------------- */

struct add {
    struct caller *c;
    struct project_row row;
    char name[NAME_MAX_LEN + 8];
    bool name_given;
    const char *warning;
};

static int pick_name(struct db *db, struct add *a, struct err *e)
{
    char base[NAME_MAX_LEN];
    struct project_row other;

    if (a->name_given)
        return 0;
    snprintf(base, sizeof base, "%.90s", a->name);
    for (int i = 2; i < 1000; i++) {
        struct err none = ERR_INIT;
        int r;

        other = (struct project_row){0};
        r = project_by_name(db, a->c->tenant, a->name, &other, &none);
        project_row_fini(&other);
        if (r == -ERR_NOT_FOUND)
            return 0;
        if (r < 0)
            return err_set(e, -r, "%s", none.msg);
        snprintf(a->name, sizeof a->name, "%.90s-%d", base, i);
    }
    return err_field(e, ERR_CONFLICT, "name", "no free name was found: give one");
}

static int add_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(project_add);
    struct add *a = arg;
    AUTO(buf_fini) struct buf data = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&data);
    int r = tenant_ensure(db, a->c->tenant, a->row.created_us, e);

    if (r == 0)
        r = pick_name(db, a, e);
    if (r == 0)
        r = project_insert(db, &a->row, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kstr(&w, "name", a->name);
    jw_kbytes(&w, "root_path", a->row.root_path, strlen(a->row.root_path));
    jw_kraw(&w, "settings", a->row.settings);
    jw_end_obj(&w);
    r = data.bad ? err_bad(e, data.bad, "the project's settings are too large")
                 : caller_audit(db, a->c, "project.added", a->row.id.s, data.p, NULL, e);
    if (r < 0)
        return r;
    w = caller_reply(a->c);
    view_project_open(&w, &a->row);
    jw_key(&w, "warnings");
    jw_arr(&w);
    if (a->warning)
        jw_str(&w, a->warning);
    jw_end_arr(&w);
    jw_end_obj(&w);
    return caller_commit(db, a->c, 201, e);
}

static int default_name(const char *root, char *ret, size_t cap)
{
    const char *base = strrchr(root, '/');

    snprintf(ret, cap, "%.*s", NAME_MAX_LEN - 8, base ? base + 1 : root);
    for (char *p = ret; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            *p = '-';
    if (!name_ok(ret))
        snprintf(ret, cap, "project");
    return 0;
}

int projects_add(struct svc *svc, struct caller *c, const char *root_path, const char *name, const char *seed,
                 struct err *e)
{
    struct add a = {.c = c, .name_given = name != NULL};
    struct project_settings set = PROJECT_SETTINGS_INIT;
    AUTO(buf_fini) struct buf text = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&text);
    AUTO(buf_fini) struct buf warn = BUF_INIT(32 * KIB);
    char *root = NULL;
    int r;

    if (root_path[0] != '/')
        return err_field(e, ERR_INVALID, "root_path", "give an absolute path");
    if (name && !name_ok(name))
        return err_field(e, ERR_INVALID, "name",
                         "a name has 1 to %d characters without blanks, slashes or invisible characters, and does not "
                         "begin with . or -",
                         NAME_MAX_LEN);
    r = seed ? project_settings_seed(&set, seed, e) : 0;
    if (r < 0)
        return r;
    project_settings_json(&w, &set);
    if (text.bad)
        return err_set(e, -text.bad, NULL);
    r = dir_canonical(root_path, &root, e);
    if (r < 0)
        return err_field(e, -r, "root_path", "%s: not an existing directory that the server can open", root_path);
    r = root_allowed(svc, root, e);
    if (r == 0) {
        if (name)
            snprintf(a.name, sizeof a.name, "%s", name);
        else
            default_name(root, a.name, sizeof a.name);
        foreign_warning(root, &warn);
        a.warning = warn.len ? warn.p : NULL;
        a.row = (struct project_row){.id = id_new(ID_PROJECT),
                                     .tenant_id = c->tenant,
                                     .name = a.name,
                                     .root_path = root,
                                     .settings = text.p,
                                     .created_us = clock_now_us()};
        r = store_write(svc->store, add_tx, &a, e);
    }
    free(root);
    return r;
}

/* ---- find, list, remove ------------------------------------------------ */

int projects_find(struct db *db, const char *tenant, const char *id_or_name, struct project_row *ret, struct err *e)
{
    struct id id;
    int r;

    if (!id_parse(ID_PROJECT, id_or_name, &id))
        return project_by_name(db, tenant, id_or_name, ret, e);
    r = project_get(db, tenant, &id, ret, e);
    if (r == 0 && ret->removed_us) {
        project_row_fini(ret);
        *ret = (struct project_row){0};
        return err_set(e, ERR_NOT_FOUND, "project %s was removed", id.s);
    }
    return r;
}

struct query {
    struct caller *c;
    const char *tenant, *key;
    const struct json *given;
    struct project_row *row;
    const struct id *after;
    struct view_page page;
    struct jw *w;
};

static int get_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    project_row_fini(q->row); /* a transaction function may run twice */
    *q->row = (struct project_row){0};
    return projects_find(db, q->tenant, q->key, q->row, e);
}

int projects_get_json(struct svc *svc, const char *tenant, const char *id_or_name, struct jw *w, struct err *e)
{
    AUTO(project_row_fini) struct project_row row = {0};
    AUTO_PTR(toolchains_free) struct toolchains *tools = NULL;
    struct query q = {.tenant = tenant, .key = id_or_name, .row = &row};
    int r = store_read(svc->store, get_tx, &q, e);

    if (r == 0)
        r = project_toolchains(svc, &row, &tools, e);
    if (r < 0)
        return r;
    view_project_open(w, &row);
    jw_key(w, "toolchains");
    toolchains_json(tools, w);
    jw_end_obj(w);
    return 0;
}

int projects_toolchains(struct svc *svc, const char *tenant, const char *id, struct toolchains **ret, struct err *e)
{
    AUTO(project_row_fini) struct project_row row = {0};
    struct query q = {.tenant = tenant, .key = id, .row = &row};
    int r = store_read(svc->store, get_tx, &q, e);

    return r < 0 ? r : project_toolchains(svc, &row, ret, e);
}

static int list_each(void *arg, const struct project_row *row, struct err *e)
{
    struct query *q = arg;

    view_project_open(q->w, row);
    jw_end_obj(q->w);
    view_page_item(&q->page, &row->id);
    return 0;
}

static int list_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    return project_list(db, q->tenant, q->after, q->page.limit, list_each, q, e);
}

int projects_list_json(struct svc *svc, const char *tenant, const struct id *after, int limit, struct jw *w,
                       struct err *e)
{
    struct query q = {.tenant = tenant, .after = after, .page = {.limit = limit}, .w = w};
    int r;

    view_page_open(w);
    r = store_read(svc->store, list_tx, &q, e);
    view_page_close(w, &q.page);
    return r;
}

static int set_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(project_set);
    struct query *q = arg;
    AUTO(project_row_fini) struct project_row row = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&text);
    struct project_settings s;
    int r = projects_find(db, q->c->tenant, q->key, &row, e);

    if (r == 0)
        r = project_settings_read(row.settings, &s, e);
    if (r == 0)
        r = project_settings_merge(&s, q->given, e);
    if (r < 0)
        return r;
    project_settings_json(&w, &s);
    r = text.bad ? err_set(e, -text.bad, NULL) : project_set(db, q->c->tenant, &row.id, text.p, s.max_running, e);
    if (r == 0)
        r = caller_audit(db, q->c, "project.settings", row.id.s, text.p, NULL, e);
    if (r < 0)
        return r;
    free(row.settings);
    row.settings = buf_take(&text, NULL);
    w = caller_reply(q->c);
    view_project_open(&w, &row);
    jw_end_obj(&w);
    return caller_commit(db, q->c, 200, e);
}

int projects_set(struct svc *svc, struct caller *c, const char *id_or_name, const struct json *given, struct err *e)
{
    struct query q = {.c = c, .key = id_or_name, .given = given};

    return store_write(svc->store, set_tx, &q, e);
}

static int open_each(void *arg, const struct run_row *row, struct err *e)
{
    return err_set(e, ERR_CONFLICT, "run %s of this project is still %s: finish or cancel it first", row->id.s,
                   run_sm_state(row->node));
}

static int remove_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(project_remove);
    struct query *q = arg;
    AUTO(project_row_fini) struct project_row row = {0};
    int r = projects_find(db, q->c->tenant, q->key, &row, e);

    if (r < 0)
        return r;
    r = run_list_open_project(db, &row.id, open_each, NULL, e);
    if (r == 0)
        r = project_remove(db, q->c->tenant, &row.id, clock_now_us(), e);
    if (r == 0)
        r = caller_audit(db, q->c, "project.removed", row.id.s, NULL, NULL, e);
    if (r < 0)
        return r;
    caller_reply(q->c);
    return caller_commit(db, q->c, 204, e);
}

int projects_remove(struct svc *svc, struct caller *c, const char *id_or_name, struct err *e)
{
    struct query q = {.c = c, .key = id_or_name};

    return store_write(svc->store, remove_tx, &q, e);
}
