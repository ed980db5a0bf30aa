/* changes_scan - what the merged layers say, held against the project.
 *
 *   layers ─► tree (changes_tree) ─► each entry beside the project's ─► items ─► sorted, shown or implied
 *
 * Cost: one directory of the project is opened per directory in the layers, one file per file there; whole
 * directories are read only where the run removed or replaced them.
 * May include: base os.   Threads: one owner. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/changes_priv.h"
#include "sandbox/changes_rule.h"
#include "sandbox/restored.h"
#include "sandbox/seed.h"

#define DEFAULT_MAX_FILES 1000000
#define MAX_LAYERS        4096
#define ARENA_MAX         (512 * MIB)
#define TOO_DEEP          "directories nested too deep"

/* A directory of the tree still to be compared. */
struct todo {
    struct tree_node *node;
    bool below;          /* the project has a directory there */
    const char *inherit; /* why nothing in it can be applied, or NULL */
};

struct scan {
    const struct changes_in *in;
    struct changes *ch;
    struct tree *tree;
    int root; /* the project */
    struct timespec birth;
    struct restored *restored;
    struct seed *seed;   /* the run had a copy: what was copied; NULL else */
    const char *inherit; /* for gone_entry: why what it meets cannot be applied, or NULL */
    size_t max;
    struct todo *todo;
    size_t ntodo, cap;
};

static int full(struct err *e)
{
    return err_set(e, ERR_TOO_LARGE, "the names of the changed files need too much memory");
}

/* --- items --------------------------------------------------------------------------------------- */

static int add_item(struct scan *s, const char *path, struct change_item **ret, struct err *e)
{
    struct changes *ch = s->ch;
    if (ch->n >= s->max)
        return err_set(e, ERR_TOO_LARGE, "the run changed more than %zu files", s->max);
    if (ch->n == ch->cap) {
        size_t cap = ch->cap ? ch->cap * 2 : 64;
        struct change_item *p = FAULT(alloc) ? NULL : realloc(ch->item, cap * sizeof *p);
        if (!p)
            return err_oom(e);
        ch->item = p;
        ch->cap = cap;
    }
    struct change_item *it = &ch->item[ch->n++];
    *it = (struct change_item){.c = {.path = path, .refused = rule_path(path)}};
    *ret = it;
    return 0;
}

static void refuse(struct change_item *it, const char *why)
{
    if (!it->c.refused)
        it->c.refused = why;
}

static bool later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static const char *dir_refusal(int fail)
{
    return fail == 0              ? NULL
           : fail == ENAMETOOLONG ? TOO_DEEP
           : fail == EXDEV        ? "lies on another file system"
                                  : "directory cannot be read";
}

/* setgid on a directory is inherited from the project, never taken from a layer. */
static uint32_t dir_mode(uint32_t mode)
{
    return S_ISDIR(mode) ? mode & ~(uint32_t)S_ISGID : mode;
}

/* As an ordinary user we could write it and never read it again: no undo could tell what is there. */
static const char *locked_out(uint32_t mode)
{
    uint32_t need = S_ISREG(mode) ? S_IRUSR : S_ISDIR(mode) ? S_IRUSR | S_IXUSR : 0;
    return (mode & need) != need && geteuid() != 0 ? "its owner could not read it" : NULL;
}

static void set_sides(struct change_item *it, const struct side *a, const struct side *b)
{
    it->c.old_mode = dir_mode(a->mode);
    it->c.new_mode = dir_mode(b->mode);
    it->c.old_bytes = a->bytes;
    it->c.new_bytes = b->bytes;
    memcpy(it->c.old_sha256, a->sha, sizeof it->c.old_sha256);
    memcpy(it->c.new_sha256, b->sha, sizeof it->c.new_sha256);
    it->c.binary = a->binary || b->binary;
    if (b->mode)
        refuse(it, rule_mode(b->mode));
    refuse(it, locked_out(b->mode));
    if (a->mode)
        refuse(it, rule_mode(a->mode));
    refuse(it, b->refused);
    refuse(it, a->refused);
}

static enum change_kind kind_of(const struct side *a, const struct side *b)
{
    if (!a->mode)
        return CH_ADDED;
    if (!b->mode)
        return CH_DELETED;
    if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
        return CH_KIND;
    bool unknown = S_ISREG(b->mode) && (!*a->sha || !*b->sha);
    return unknown || a->bytes != b->bytes || strcmp(a->sha, b->sha) != 0 ? CH_MODIFIED : CH_MODE;
}

static bool has_text(const struct side *s)
{
    return S_ISREG(s->mode) || S_ISLNK(s->mode);
}

static int count_lines(struct change_item *it, const struct side *a, const struct side *b, struct err *e)
{
    if (it->c.binary || it->c.refused || it->c.kind == CH_MODE)
        return 0;
    struct diff_side x = has_text(a) ? side_diff(a) : (struct diff_side){0};
    struct diff_side y = has_text(b) ? side_diff(b) : (struct diff_side){0};
    if (it->c.kind == CH_KIND) {
        it->c.deletions = diff_lines(x.p, x.len);
        it->c.additions = diff_lines(y.p, y.len);
        return 0;
    }
    int r = x.len && y.len ? diff_init(e) : 0;
    return r < 0 ? r : diff_count(x, y, &it->c.additions, &it->c.deletions, e);
}

/* A target that stays inside by its text may still go through a link of the project that leads out. */
static int judge_link(struct scan *s, struct change_item *it, const char *target, struct err *e)
{
    refuse(it, rule_link(it->c.path, target));
    if (it->c.refused)
        return 0;
    const char *slash = strrchr(it->c.path, '/');
    int dir_len = slash ? (int)(slash - it->c.path) + 1 : 0;
    char *path = str_printf("%.*s%s", dir_len, it->c.path, target);
    if (!path)
        return err_oom(e);
    AUTO(fd_close) int fd = file_open_beneath(s->root, path, O_PATH, 0, 0);
    int sys = fd < 0 ? errno : 0;
    free(path);
    if (sys == EXDEV)
        refuse(it, "symlink leads outside");
    else if (layer_shut(sys) && !layer_gone(sys)) /* dangling is fine, unknown is not */
        refuse(it, "symlink cannot be followed");
    return sys && !layer_shut(sys) ? (errno = sys, err_sys(e, ERR_IO, "follow the symlink %s", it->c.path)) : 0;
}

/* --- pairs ----------------------------------------------------------------------------------------------------------
 */

struct pair {
    const char *path;
    const struct stat *st;        /* the project's entry; NULL when there is none */
    const struct tree_node *node; /* the layers' entry; NULL when it is gone */
    const char *inherit;
};

static int read_old(struct scan *s, const struct pair *p, struct side *ret, struct err *e)
{
    if (!p->st)
        return 0;
    s->ch->opened++;
    int r = side_read(s->root, p->path, DIFF_MAX_TEXT, ret, e);
    if (r == 0 && ret->refused && !ret->mode)
        ret->mode = p->st->st_mode;
    return r;
}

static int read_new(struct scan *s, const struct pair *p, struct side *ret, struct err *e)
{
    const struct tree_node *n = p->node;
    if (!n)
        return 0;
    if (n->what == LAYER_DIR || n->what == LAYER_SPECIAL) {
        *ret = (struct side){.mode = n->mode, .refused = dir_refusal(n->fail)};
        return 0;
    }
    AUTO(fd_close) int upper = changes_open_upper(s->in->run_dir, s->in->layers[n->layer], e);
    if (upper < 0)
        return upper;
    int r = side_read(upper, p->path, DIFF_MAX_TEXT, ret, e);
    if (r == 0 && (ret->mode & S_IFMT) != (n->mode & S_IFMT)) {
        side_fini(ret);
        return err_set(e, ERR_CORRUPT, "a sealed layer changed while it was read");
    }
    if (r == 0)
        ret->mode = n->mode;
    return r;
}

/* An identical copy-up; what is refused on both sides for the same reason (a FIFO, a setuid file) was not changed. */
static bool same(const struct side *a, const struct side *b)
{
    if (S_ISREG(b->mode) && !*b->sha)
        return false; /* too large to know */
    return str_eq(a->refused, b->refused) && dir_mode(a->mode) == dir_mode(b->mode) && a->bytes == b->bytes &&
           strcmp(a->sha, b->sha) == 0;
}

static bool moved_on(const struct scan *s, const struct pair *p, const struct side *now)
{
    if (p->st && (S_ISDIR(p->st->st_mode) || restored_is(s->restored, p->path, now->mode, now->sha)))
        return false;
    return s->seed ? seed_moved(s->seed, p->path, p->st) : p->st && later(p->st->st_ctim, s->birth);
}

static int make_item(struct scan *s, const struct pair *p, const struct side *a, const struct side *b, struct err *e)
{
    struct change_item *it = NULL;
    int r = add_item(s, p->path, &it, e);
    if (r < 0)
        return r;
    it->c.kind = kind_of(a, b);
    set_sides(it, a, b);
    refuse(it, p->inherit);
    if (p->node)
        it->layer = s->in->layers[p->node->layer];
    if (S_ISLNK(b->mode) && b->p && (r = judge_link(s, it, b->p, e)) < 0)
        return r;
    it->c.moved = moved_on(s, p, a);
    return count_lines(it, a, b, e);
}

/* Reads both sides, and makes an item when they differ. *ret_refused: why, when it cannot be applied. */
static int compare(struct scan *s, const struct pair *p, const char **ret_refused, struct err *e)
{
    AUTO(side_fini) struct side a = {0};
    AUTO(side_fini) struct side b = {0};
    size_t before = s->ch->n;
    int r = read_old(s, p, &a, e);
    if (r == 0)
        r = read_new(s, p, &b, e);
    if (r < 0 || (!a.mode && !b.mode && !a.refused) || same(&a, &b))
        return r;
    r = make_item(s, p, &a, &b, e);
    *ret_refused = r == 0 && s->ch->n > before ? s->ch->item[before].c.refused : NULL;
    return r;
}

/* --- what is gone from the project --------------------------------------------------------------- */

static int gone_entry(void *arg, const struct layer_entry *en, struct err *e)
{
    struct scan *s = arg;
    const char *why = dir_refusal(en->fail), *ignored = NULL;
    char *path = arena_str(s->ch->arena, en->path, strlen(en->path));
    if (!path)
        return full(e);
    struct pair p = {.path = path, .st = &en->st, .inherit = why ? why : s->inherit};
    return compare(s, &p, &ignored, e);
}

/* *ret_why: why the directory of the project cannot be listed; NULL when it can. */
static int unlisted(struct scan *s, const char *path, const char **ret_why, struct err *e)
{
    AUTO(fd_close) int fd = layer_open(s->root, path, O_RDONLY | O_DIRECTORY);
    s->ch->opened++;
    if (fd < 0 && !layer_shut(errno))
        return err_sys(e, ERR_IO, "list a directory of the project");
    *ret_why = fd < 0 ? dir_refusal(errno) : NULL;
    return 0;
}

/* Takes the project's entry away, or puts the layers' entry (p->node) in its place. With a directory goes all that is
 * below it. */
static int gone(struct scan *s, struct pair p, struct err *e)
{
    const char *ignored = NULL, *why = NULL, *inherit = p.inherit;
    int r = S_ISDIR(p.st->st_mode) ? unlisted(s, p.path, &why, e) : 0;
    if (!p.inherit)
        p.inherit = why;
    if (r == 0)
        r = compare(s, &p, &ignored, e);
    if (r < 0 || !S_ISDIR(p.st->st_mode) || why)
        return r;
    s->inherit = inherit;
    return layer_walk(s->root, p.path, LAYER_PLAIN, gone_entry, s, e);
}

static int gone_unless_known(struct scan *s, const struct todo *t, int dir, const char *parent, const char *name,
                             struct err *e)
{
    struct stat st;
    if (tree_child(s->tree, t->node, name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; /* compared already, or gone by itself */
    char *tmp = *parent ? str_printf("%s/%s", parent, name) : str_dup(name);
    char *path = tmp ? arena_str(s->ch->arena, tmp, strlen(tmp)) : NULL;
    free(tmp);
    return path ? gone(s, (struct pair){.path = path, .st = &st, .inherit = t->inherit}, e) : full(e);
}

/* Below an opaque directory: what the project has and the layers have not. */
static int gone_below(struct scan *s, const struct todo *t, const char *path, struct err *e)
{
    int fd = layer_open(s->root, path, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_sys(e, ERR_IO, "list a directory of the project");
    }
    s->ch->opened++;
    int r = 0;
    for (struct dirent *de; r == 0 && (errno = 0, de = readdir(d)) != NULL;)
        if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
            r = gone_unless_known(s, t, dirfd(d), path, de->d_name, e);
    if (r == 0 && errno != 0)
        r = err_sys(e, ERR_IO, "list a directory of the project");
    closedir(d);
    return r;
}

/* --- the walk over the tree ---------------------------------------------------------------------- */

static int push(struct scan *s, struct todo t, struct err *e)
{
    if (s->ntodo == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct todo *p = FAULT(alloc) ? NULL : realloc(s->todo, cap * sizeof *p);
        if (!p)
            return err_oom(e);
        s->todo = p;
        s->cap = cap;
    }
    s->todo[s->ntodo++] = t;
    return 0;
}

static int one_child(struct scan *s, const struct todo *t, int dir, struct tree_node *n, struct err *e)
{
    struct stat st;
    bool have = dir >= 0 && fstatat(dir, n->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (n->what == LAYER_WHITEOUT && !have)
        return 0;
    const char *path = tree_path(s->ch->arena, n), *why = NULL;
    if (!path)
        return full(e);
    struct pair p = {.path = path, .st = have ? &st : NULL, .node = n, .inherit = t->inherit};
    if (n->what == LAYER_WHITEOUT)
        p.node = NULL;
    if (have && n->what != LAYER_DIR)
        return gone(s, p, e);
    int r = compare(s, &p, &why, e);
    if (r < 0 || n->what != LAYER_DIR)
        return r;
    bool below = have && S_ISDIR(st.st_mode);
    struct todo next = {.node = n, .below = below, .inherit = t->inherit};
    if (why && !below && !next.inherit)
        next.inherit = rule_path(path) ? NULL : "below a change that is refused"; /* .git says so itself */
    return push(s, next, e);
}

static int one_dir(struct scan *s, struct todo t, struct err *e)
{
    AUTO(fd_close) int dir = -1;
    const char *path = tree_path(s->ch->arena, t.node);
    if (!path)
        return full(e);
    if (t.below) {
        dir = layer_open(s->root, path, O_PATH | O_DIRECTORY);
        s->ch->opened++;
        if (dir < 0 && !layer_shut(errno))
            return err_sys(e, ERR_IO, "open a directory of the project");
        if (dir < 0 && !t.inherit)
            t.inherit = errno == ENOENT ? "changed while it was read" : dir_refusal(errno);
    }
    int r = 0;
    for (struct tree_node *n = t.node->first; n && r == 0; n = n->next)
        r = one_child(s, &t, dir, n, e);
    if (r == 0 && dir >= 0 && t.node->opaque)
        r = gone_below(s, &t, path, e);
    return r;
}

/* How a layer, or the copy, lies over what is below. */
static int add_layer(struct scan *s, int i, int upper, const struct layer_modes *modes, struct err *e)
{
    return s->seed ? seed_tree(s->seed, upper, modes, s->tree, e) : tree_add(s->tree, i, upper, modes, e);
}

static int load_layer(struct scan *s, int i, struct err *e)
{
    AUTO(fd_close) int upper = changes_open_upper(s->in->run_dir, s->in->layers[i], e);
    if (upper < 0)
        return upper;
    char *path = str_printf("%s/layers/%s/modes", s->in->run_dir, s->in->layers[i]);
    if (!path)
        return err_oom(e);
    AUTO(fd_close) int modes_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int sys = errno;
    free(path);
    AUTO_PTR(layer_modes_free) struct layer_modes *modes = NULL;
    int r = modes_fd < 0 && sys != ENOENT ? (errno = sys, err_sys(e, ERR_IO, "open what it remembers of modes")) : 0;
    if (r == 0)
        r = layer_modes_load(modes_fd, &modes, e);
    if (r == 0)
        r = add_layer(s, i, upper, modes, e);
    return r < 0 ? err_wrap(e, r, "layer %s", s->in->layers[i]) : 0;
}

static int read_birth(struct scan *s, struct err *e)
{
    char *path = str_printf("%s/layers/%s/born", s->in->run_dir, s->in->layers[0]);
    if (!path)
        return err_oom(e);
    struct stat st;
    int r = lstat(path, &st) < 0 ? err_sys(e, errno == ENOENT ? ERR_CORRUPT : ERR_IO,
                                           "the birth of layer %s is not known", s->in->layers[0])
                                 : 0;
    free(path);
    if (r == 0)
        s->birth = st.st_mtim;
    return r;
}

static int scan_all(struct scan *s, struct err *e)
{
    int r = 0, nlayers = 0;
    while (s->in->layers[nlayers] && nlayers <= MAX_LAYERS)
        nlayers++;
    if (nlayers > MAX_LAYERS)
        return err_set(e, ERR_TOO_LARGE, "a run may have at most %d layers", MAX_LAYERS);
    if (nlayers == 0)
        return 0;
    r = s->in->copied ? seed_load(s->in->run_dir, &s->seed, e) : read_birth(s, e);
    if (r == 0)
        r = restored_load(s->in->run_dir, &s->restored, e);
    for (int i = 0; i < nlayers && r == 0; i++)
        r = load_layer(s, i, e);
    if (r == 0)
        r = push(s, (struct todo){.node = tree_root(s->tree), .below = true}, e);
    while (r == 0 && s->ntodo > 0)
        r = one_dir(s, s->todo[--s->ntodo], e);
    return r;
}

/* --- the whole ----------------------------------------------------------------------------------- */

/* Layer names outlive the caller's array. */
static int keep_layers(struct changes *ch, struct err *e)
{
    for (size_t i = 0; i < ch->n; i++) {
        struct change_item *it = &ch->item[i];
        if (it->layer && !(it->layer = arena_str(ch->arena, it->layer, strlen(it->layer))))
            return full(e);
    }
    return 0;
}

static int open_changes(const struct changes_in *in, struct changes **ret, struct err *e)
{
    AUTO_PTR(changes_free) struct changes *ch = calloc(1, sizeof *ch);
    if (!ch || !(ch->arena = arena_new(ARENA_MAX)))
        return err_oom(e);
    ch->run_dir = arena_str(ch->arena, in->run_dir, strlen(in->run_dir));
    ch->project_root = arena_str(ch->arena, in->project_root, strlen(in->project_root));
    if (!ch->run_dir || !ch->project_root)
        return err_oom(e);
    *ret = TAKE(ch);
    return 0;
}

int changes_scan(const struct changes_in *in, struct changes **ret, struct err *e)
{
    AUTO_PTR(changes_free) struct changes *ch = NULL;
    int r = open_changes(in, &ch, e);
    if (r < 0)
        return r;
    AUTO(fd_close) int root = dir_open_canonical(in->project_root, O_PATH);
    if (root < 0)
        return err_sys(e, ERR_IO, "open the project %s", in->project_root);
    struct scan s = {.in = in, .ch = ch, .root = root};
    s.max = in->max_files > 0 ? (size_t)in->max_files : DEFAULT_MAX_FILES;
    AUTO_PTR(tree_free) struct tree *tree = NULL;
    r = tree_new(ch->arena, s.max, &tree, e);
    s.tree = tree;
    if (r == 0)
        r = scan_all(&s, e);
    free(s.todo);
    seed_free(s.seed);
    restored_free(s.restored);
    if (r == 0)
        r = keep_layers(ch, e);
    if (r == 0)
        r = changes_settle(ch, e);
    if (r == 0)
        *ret = TAKE(ch);
    return r;
}
