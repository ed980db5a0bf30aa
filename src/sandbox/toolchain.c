/* toolchain - see toolchain.h.
 *
 * May include: base os.   Threads: any. */
#include "sandbox/toolchain.h"
#include "sandbox/toolchain_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/file.h"

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_TEXT   (64 * KIB)

enum tool {
#define TOOL(id, what) T_##id,
#include "sandbox/toolchain.def"
    NTOOLS
};

static const struct {
    const char *name, *what;
} tools[] = {
#define TOOL(id, what) {#id, what},
#include "sandbox/toolchain.def"
};

static const struct place {
    enum tool tool;
    const char *path;
    int levels;
} places[] = {
#define PLACE(id, path, levels) {T_##id, path, levels},
#include "sandbox/toolchain.def"
};

enum how { HERE, EACH, NODE, LISTED };
static const struct bin {
    enum tool tool;
    enum how how;
    const char *path, *choice;
} bins[] = {
#define BIN(id, how, path, choice) {T_##id, how, path, choice},
#include "sandbox/toolchain.def"
};

static const struct {
    enum tool tool;
    const char *name, *path;
} vars[] = {
#define VAR(id, name, path) {T_##id, name, path},
#include "sandbox/toolchain.def"
};

struct found {
    struct strs places, path;
};

struct skipped {
    char *path, *why;
};

struct toolchains {
    char *home, *choice;
    struct strs binds, hidden, env;
    struct found found[NTOOLS];
    struct skipped skipped[ARRAY_LEN(places)];
    size_t nskipped;
};

/* ---- lists ---- */

void strs_fini(struct strs *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    *s = (struct strs){0};
}

int strs_take(struct strs *s, char *text, struct err *e)
{
    char **v = text ? realloc(s->v, (s->n + 2) * sizeof(*v)) : NULL;
    if (!v) {
        free(text);
        return err_oom(e);
    }
    s->v = v;
    v[s->n++] = text;
    v[s->n] = NULL;
    return 0;
}

int strs_once(struct strs *s, const char *text, struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->v[i], text))
            return 0;
    }
    return strs_take(s, str_dup(text), e);
}

static const char *const *view(const struct strs *s)
{
    static const char *const none[] = {NULL};
    return s->n ? (const char *const *)s->v : none;
}

/* ---- what was chosen ---- */

static bool names_tool(const char *choice, size_t n, enum tool *ret)
{
    for (size_t i = 0; i < NTOOLS; i++) {
        if (strlen(tools[i].name) == n && memcmp(tools[i].name, choice, n) == 0) {
            *ret = (enum tool)i;
            return true;
        }
    }
    return false;
}

static bool is_chosen(const char *choice, enum tool t)
{
    enum tool named;
    if (str_eq(choice, "auto"))
        return true;
    for (const char *s = choice; *s; s += strspn(s, ",")) {
        size_t n = strcspn(s, ",");
        if (names_tool(s, n, &named) && named == t)
            return true;
        s += n;
    }
    return false;
}

int toolchains_choice_ok(const char *choice, const char *field, struct err *e)
{
    AUTO(buf_fini) struct buf known = BUF_INIT(4 * KIB);
    enum tool t;
    if (str_eq(choice, "auto") || str_eq(choice, "none"))
        return 0;
    bool ok = *choice;
    for (const char *s = choice; ok && *s;) {
        size_t n = strcspn(s, ",");
        ok = names_tool(s, n, &t) && (!s[n] || s[n + 1]);
        s += n + (s[n] == ',');
    }
    if (ok)
        return 0;
    for (size_t i = 0; i < NTOOLS; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", tools[i].name);
    return err_field(e, ERR_INVALID, field, "must be \"auto\", \"none\", or names of: %s", known.p ? known.p : "");
}

/* ---- whose home ---- */

static char *passwd_home(uid_t uid)
{
    char room[16 * KIB];
    struct passwd pw, *got = NULL;
    if (getpwuid_r(uid, &pw, room, sizeof(room), &got) != 0 || !got || !pw.pw_dir)
        return NULL;
    return str_dup(pw.pw_dir);
}

static bool is_owners(const char *dir, uid_t owner)
{
    struct stat st;
    return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == owner && !(st.st_mode & S_IWOTH);
}

/* A home within what the sandbox itself is made of cannot be shown again at its own path. */
static bool can_show(const char *home)
{
    static const char *const ours[] = {"/usr",  "/bin", "/sbin", "/lib", "/lib32",     "/lib64", "/etc",
                                       "/proc", "/dev", "/sys",  "/run", "/workspace", "/shared"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        if (path_contains(ours[i], home))
            return false;
    }
    return home[1] != 0;
}

int toolchains_home(uid_t owner, const char *env_home, char **ret, struct err *e)
{
    bool env = owner == geteuid() && env_home && env_home[0] == '/' && is_owners(env_home, owner);
    char *named = env ? str_dup(env_home) : passwd_home(owner), *home = NULL;
    int r = 0;
    if (named && named[0] == '/') {
        r = dir_canonical(named, &home, e);
        if (r < 0 && r != -ERR_OOM)
            r = 0; /* accounts without a directory */
    }
    free(named);
    if (r < 0)
        return r;
    if (home && (!is_owners(home, owner) || !can_show(home))) {
        free(home);
        home = NULL;
    }
    *ret = home;
    return 0;
}

/* ---- one place ---- */

static int skip(struct toolchains *t, const char *path, const char *why, struct err *e)
{
    struct skipped *s = &t->skipped[t->nskipped];
    *s = (struct skipped){str_printf("%s/%s", t->home, path), str_dup(why)};
    if (s->path && s->why) {
        t->nskipped++;
        return 0;
    }
    free(s->path);
    free(s->why);
    return err_oom(e);
}

/* Why this directory or file of the home may not be shown; NULL: it may. "": it is not there. */
static const char *objection(int home, const char *path, uid_t owner)
{
    struct stat st;
    AUTO(fd_close) int fd = file_open_beneath(home, path, O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return errno == ELOOP ? "it is, or lies behind, a symbolic link" : "";
    if (fstat(fd, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
        return "it is neither a directory nor a file";
    if (st.st_uid != owner && st.st_uid != 0)
        return "it belongs to another user";
    if (st.st_mode & S_IWOTH)
        return "everybody may write it";
    return NULL;
}

/* The same of every directory on the way: who may write one of them decides what lies in it. */
static const char *objection_on_the_way(int home, const char *path, uid_t owner)
{
    char part[256];
    const char *why = NULL;
    for (size_t n = strcspn(path, "/"); !why; n += 1 + strcspn(path + n + 1, "/")) {
        snprintf(part, sizeof(part), "%.*s", (int)n, path);
        why = objection(home, part, owner);
        if (!path[n])
            break;
    }
    return why;
}

static bool overlaps(const char *a, const char *b)
{
    return a && (path_contains(a, b) || path_contains(b, a));
}

static int scan_place(struct toolchains *t, int home, const struct place *p, const struct twins *twins, bool *ret_ok,
                      struct err *e)
{
    AUTO(strs_fini) struct strs hidden = {0};
    struct err why = ERR_INIT;
    int r = toolchain_scan(home, t->home, p->path, p->levels, twins, &hidden, &why);
    *ret_ok = r == 0;
    if (r == -ERR_OOM)
        return err_oom(e);
    if (r < 0)
        return skip(t, p->path, why.msg, e);
    for (size_t i = 0; r == 0 && i < hidden.n; i++)
        r = strs_once(&t->hidden, hidden.v[i], e);
    return r;
}

static int add_place(struct toolchains *t, int home, const struct place *p, const struct toolchain_ask *ask,
                     const struct twins *twins, struct err *e)
{
    bool ok = false;
    const char *why = objection_on_the_way(home, p->path, ask->owner);
    if (why)
        return *why ? skip(t, p->path, why, e) : 0;
    char *full = str_printf("%s/%s", t->home, p->path);
    if (!full)
        return err_oom(e);
    int r;
    if (overlaps(ask->data_dir, full))
        r = skip(t, p->path, "the data directory is there", e);
    else
        r = scan_place(t, home, p, twins, &ok, e);
    if (r == 0 && ok)
        r = strs_once(&t->found[p->tool].places, full, e);
    if (r == 0 && ok)
        r = strs_once(&t->binds, full, e);
    free(full);
    return r;
}

/* ---- PATH and variables ---- */

/* A directory to look for programs in, if it is there and shown. */
static int add_bin(struct toolchains *t, enum tool tool, const char *path, struct err *e)
{
    struct stat st;
    char *full = str_printf("%s/%s", t->home, path);
    bool shown = false;
    int r = 0;
    if (!full)
        return err_oom(e);
    for (size_t i = 0; i < t->found[tool].places.n && !shown; i++)
        shown = path_contains(t->found[tool].places.v[i], full);
    /* ':' cannot be written in PATH */
    if (shown && !strchr(full, ':') && stat(full, &st) == 0 && S_ISDIR(st.st_mode))
        r = strs_once(&t->found[tool].path, full, e);
    free(full);
    return r;
}

/* The path with its '*' replaced. */
static int add_bin_of(struct toolchains *t, const struct bin *b, const char *name, struct err *e)
{
    char path[512];
    const char *star = strchr(b->path, '*');
    int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)(star - b->path), b->path, name, star + 1);
    return n < 0 || (size_t)n >= sizeof(path) ? 0 : add_bin(t, b->tool, path, e);
}

static void before_star(const char *path, char *ret, size_t cap)
{
    const char *star = strchr(path, '*');
    snprintf(ret, cap, "%.*s", (int)(star - path) - 1, path);
}

static int add_each(struct toolchains *t, int home, const struct bin *b, struct err *e)
{
    AUTO(strs_fini) struct strs names = {0};
    char dir[256];
    before_star(b->path, dir, sizeof(dir));
    int r = toolchain_names(home, dir, &names, e);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = add_bin_of(t, b, names.v[i], e);
    return r;
}

static int add_node(struct toolchains *t, int home, int project, const struct bin *b, struct err *e)
{
    char dir[256], version[128];
    before_star(b->path, dir, sizeof(dir));
    return toolchain_node(home, project, dir, b->choice, version, sizeof(version)) ? add_bin_of(t, b, version, e) : 0;
}

static int add_all_listed(struct toolchains *t, int home, int project, const struct bin *b, struct err *e)
{
    AUTO(strs_fini) struct strs names = {0};
    char path[512];
    int r = toolchain_listed(home, project, &names, e);
    for (size_t i = 0; r == 0 && i < names.n; i++) {
        int n = snprintf(path, sizeof(path), "%s/%s/bin", b->path, names.v[i]);
        r = n < 0 || (size_t)n >= sizeof(path) ? 0 : add_bin(t, b->tool, path, e);
    }
    return r;
}

static int add_bins(struct toolchains *t, int home, int project, struct err *e)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(bins); i++) {
        const struct bin *b = &bins[i];
        if (t->found[b->tool].places.n == 0)
            continue;
        r = b->how == HERE   ? add_bin(t, b->tool, b->path, e)
            : b->how == EACH ? add_each(t, home, b, e)
            : b->how == NODE ? add_node(t, home, project, b, e)
                             : add_all_listed(t, home, project, b, e);
    }
    return r;
}

static int add_path(struct toolchains *t, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(PATH_TEXT);
    buf_puts(&b, "PATH=");
    for (size_t i = 0; i < NTOOLS; i++) {
        for (size_t k = 0; k < t->found[i].path.n; k++)
            buf_printf(&b, "%s:", t->found[i].path.v[k]);
    }
    buf_puts(&b, SYSTEM_PATH);
    if (b.bad)
        return err_set(e, -b.bad, NULL);
    return strs_take(&t->env, buf_take(&b, NULL), e);
}

static int add_env(struct toolchains *t, struct err *e)
{
    int r = t->binds.n || t->found[T_venv].path.n ? add_path(t, e) : 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(vars); i++) {
        char *full = str_printf("%s/%s", t->home, vars[i].path);
        struct stat st;
        bool shown = false;
        if (!full)
            return err_oom(e);
        bool there = stat(full, &st) == 0;
        for (size_t k = 0; there && k < t->found[vars[i].tool].places.n && !shown; k++)
            shown = overlaps(full, t->found[vars[i].tool].places.v[k]);
        if (shown)
            r = strs_take(&t->env, str_printf("%s=%s", vars[i].name, full), e);
        free(full);
    }
    return r;
}

/* ---- all of it ---- */

/* As `activate` would: its python finds its packages by where it lies, so it works at the project's place inside too.
 * (Its scripts do not: their first line names the outside path.) */
static int look_at_venv(struct toolchains *t, int project, struct err *e)
{
    static const char *const dirs[] = {".venv", "venv"};
    char path[64];
    struct stat st;
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        snprintf(path, sizeof(path), "%s/pyvenv.cfg", dirs[i]);
        AUTO(fd_close) int fd = file_open_beneath(project, path, O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        int r = strs_take(&t->found[T_venv].path, str_printf("/workspace/%s/bin", dirs[i]), e);
        return r < 0 ? r : strs_take(&t->env, str_printf("VIRTUAL_ENV=/workspace/%s", dirs[i]), e);
    }
    return 0;
}

static int look_at_home(struct toolchains *t, const struct toolchain_ask *ask, int project, struct err *e)
{
    struct twins twins;
    AUTO(fd_close) int home = *t->home ? open(t->home, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    int r = 0;
    if (home < 0)
        return 0;
    toolchain_twins(home, &twins);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(places); i++) {
        if (is_chosen(ask->choice, places[i].tool))
            r = add_place(t, home, &places[i], ask, &twins, e);
    }
    return r < 0 ? r : add_bins(t, home, project, e);
}

static int look(struct toolchains *t, const struct toolchain_ask *ask, struct err *e)
{
    AUTO(fd_close) int project = ask->project ? dir_open_canonical(ask->project, O_PATH) : -1;
    int r = 0;
    if (project >= 0 && is_chosen(ask->choice, T_venv))
        r = look_at_venv(t, project, e);
    if (r == 0)
        r = look_at_home(t, ask, project, e);
    return r < 0 ? r : add_env(t, e);
}

int toolchains_find(const struct toolchain_ask *ask, struct toolchains **ret, struct err *e)
{
    AUTO_PTR(toolchains_free) struct toolchains *t = calloc(1, sizeof(*t));
    if (!t)
        return err_oom(e);
    t->home = str_dup(ask->home ? ask->home : "");
    t->choice = str_dup(ask->choice);
    if (!t->home || !t->choice)
        return err_oom(e);
    int r = str_eq(t->choice, "none") ? 0 : look(t, ask, e);
    if (r < 0)
        return r;
    *ret = TAKE(t);
    return 0;
}

void toolchains_free(struct toolchains *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < NTOOLS; i++) {
        strs_fini(&t->found[i].places);
        strs_fini(&t->found[i].path);
    }
    for (size_t i = 0; i < t->nskipped; i++) {
        free(t->skipped[i].path);
        free(t->skipped[i].why);
    }
    strs_fini(&t->binds);
    strs_fini(&t->hidden);
    strs_fini(&t->env);
    free(t->home);
    free(t->choice);
    free(t);
}

const char *const *toolchains_binds(const struct toolchains *t)
{
    return view(&t->binds);
}

const char *const *toolchains_hidden(const struct toolchains *t)
{
    return view(&t->hidden);
}

const char *const *toolchains_env(const struct toolchains *t)
{
    return view(&t->env);
}

/* ---- as JSON ---- */

static void put_list(struct jw *w, const char *key, const struct strs *s)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < s->n; i++)
        jw_str(w, s->v[i]);
    jw_end_arr(w);
}

void toolchains_json(const struct toolchains *t, struct jw *w)
{
    jw_obj(w);
    jw_kstr(w, "home", *t->home ? t->home : NULL);
    jw_kstr(w, "choice", t->choice);
    jw_key(w, "found");
    jw_arr(w);
    for (size_t i = 0; i < NTOOLS; i++) {
        if (t->found[i].places.n == 0 && t->found[i].path.n == 0)
            continue;
        jw_obj(w);
        jw_kstr(w, "name", tools[i].name);
        jw_kstr(w, "what", tools[i].what);
        put_list(w, "places", &t->found[i].places);
        put_list(w, "path", &t->found[i].path);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    put_list(w, "masked", &t->hidden);
    jw_key(w, "skipped");
    jw_arr(w);
    for (size_t i = 0; i < t->nskipped; i++) {
        jw_obj(w);
        jw_kstr(w, "path", t->skipped[i].path);
        jw_kstr(w, "why", t->skipped[i].why);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}
