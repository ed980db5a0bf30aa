/* resolve - see resolve.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/resolve.h"
#include "base/str.h"
#include "cli/show.h"
#include "os/file.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECENT 500 /* how far back an abbreviation is looked for */

static bool is_word(const char *s)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s))
            return false;
    return true;
}

bool resolve_match(const char *id, const char *prefix, const char *what)
{
    size_t np = strlen(prefix), n;
    if (strncmp(id, prefix, np) != 0 || id[np] != '_')
        return false;
    if (strncasecmp(what, prefix, np) == 0 && what[np] == '_') {
        what += np + 1;
        n = strlen(what);
        return n >= RESOLVE_MIN && is_word(what) && strncasecmp(id + np + 1, what, n) == 0;
    }
    const char *own = id + np + 1;
    size_t len = strlen(own);
    n = strlen(what);
    if (n < RESOLVE_MIN || n > len || !is_word(what))
        return false;
    return strncasecmp(own, what, n) == 0 || strcasecmp(own + len - n, what) == 0;
}

struct search {
    const char *prefix, *what;
    struct id hit, other; /* other: a second one that fits */
};

static int look(void *arg, const struct json *item)
{
    struct search *s = arg;
    const char *id = show_str(item, "id");
    if (!id || !resolve_match(id, s->prefix, s->what))
        return 0;
    if (id_none(&s->hit))
        return id_parse(s->prefix, id, &s->hit) ? 0 : -ERR_IO;
    return id_parse(s->prefix, id, &s->other) ? 1 : -ERR_IO;
}

/* Runs come newest first: stop at once. Questions come oldest first: the last one stands. */
static int take_newest(void *arg, const struct json *item)
{
    struct search *s = arg;
    const char *id = show_str(item, "id");
    if (!id || !id_parse(s->prefix, id, &s->hit))
        return -ERR_IO;
    return str_eq(s->prefix, ID_RUN);
}

/* Lists without printing, whatever --json says. */
static int each(struct cli *c, const struct buf *path, int64_t limit, int (*fn)(void *, const struct json *), void *arg,
                struct err *e)
{
    bool json = c->ui.json;
    c->ui.json = false;
    int r = api_each(&c->api, path, limit, fn, arg, e);
    c->ui.json = json;
    return r;
}

static int find(struct cli *c, const char *prefix, const char *noun, const char *list, const char *what, bool last,
                struct id *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    struct search s = {.prefix = prefix, .what = what};
    if (id_parse(prefix, what, ret))
        return 0;
    api_path(&path, list, NULL);
    if (str_eq(prefix, ID_APPROVAL)) /* an answered one cannot be meant */
        api_query(&path, "state", "pending");
    int r = each(c, &path, last && str_eq(prefix, ID_RUN) ? 1 : RECENT, last ? take_newest : look, &s, e);
    if (r < 0)
        return r == -ERR_IO && (!e || !e->msg[0]) ? err_set(e, ERR_IO, "the server's answer holds a bad id") : r;
    if (last && id_none(&s.hit))
        return err_set(e, ERR_NOT_FOUND, "there is no %s", noun);
    if (id_none(&s.hit) && strlen(what) < RESOLVE_MIN)
        return err_set(e, ERR_NOT_FOUND, "`%s` is too short for a %s: give %d characters or more", what, noun,
                       RESOLVE_MIN);
    if (id_none(&s.hit))
        return err_set(e, ERR_NOT_FOUND, "no recent %s begins or ends with `%s`", noun, what);
    if (!id_none(&s.other))
        return err_set(e, ERR_INVALID, "`%s` fits more than one %s: %s, %s", what, noun, s.hit.s, s.other.s);
    *ret = s.hit;
    return 0;
}

int resolve_run(struct cli *c, const char *what, struct id *ret, struct err *e)
{
    return find(c, ID_RUN, "run", "/runs", what, str_eq(what, "last"), ret, e);
}

int resolve_approval(struct cli *c, const char *what, struct id *ret, struct err *e)
{
    return find(c, ID_APPROVAL, "pending question", "/approvals", what, str_eq(what, "last"), ret, e);
}

int resolve_token(struct cli *c, const char *what, struct id *ret, struct err *e)
{
    return find(c, ID_TOKEN, "token", "/tokens", what, false, ret, e);
}

struct here {
    const char *dir;
    char *id;
    size_t depth; /* length of the root_path that matched */
};

static int look_here(void *arg, const struct json *p)
{
    struct here *h = arg;
    const char *root = show_str(p, "root_path"), *id = show_str(p, "id");
    if (!root || !id || !path_contains(root, h->dir) || (h->id && strlen(root) <= h->depth))
        return 0;
    free(h->id);
    h->id = str_dup(id);
    h->depth = strlen(root);
    return h->id ? 0 : -ERR_OOM;
}

int resolve_project(struct cli *c, const char *what, char **ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    char *dir = NULL;
    if (what) {
        *ret = str_dup(what);
        return *ret ? 0 : err_oom(e);
    }
    int r = dir_canonical(".", &dir, e);
    if (r < 0)
        return err_wrap(e, r, "finding the current directory");
    struct here h = {.dir = dir};
    api_path(&path, "/projects", NULL);
    r = each(c, &path, 0, look_here, &h, e);
    free(dir);
    if (r < 0) {
        free(h.id);
        return r;
    }
    if (!h.id) {
        cli_hint(c, "register it: sallyport project add .     or name one: -p PROJECT (sallyport project list)");
        return err_set(e, ERR_NOT_FOUND, "this directory is in no project");
    }
    *ret = h.id;
    return 0;
}
