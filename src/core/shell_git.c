/* shell_git - what of git cannot be taken back.
 *
 * Why it exists: `git checkout .`, `git restore -SW :/` and `git reset --har` throw work away like rm does, under many
 * spellings: git takes every option shortened, and letters in clusters (gitcli(7)). Each becomes a command that no
 * program has, `:git-discard` with the paths it empties or `:git-loses`, so that a rule can speak about it.
 * May include: core/shell_wrap.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

/* A subcommand that loses something when one of the options is there ("": always). */
static const struct {
    const char *sub, *letters, *longs; /* longs: "name,name"; shortened ones count */
} loses[] = {
    {"reset", "", "hard,merge,keep"},
    {"checkout", "fB", "force"},
    {"switch", "fC", "force,discard-changes,force-create"},
    {"branch", "DMCf", "force"},
    {"tag", "df", "delete,force"},
    {"worktree", "f", "force"},
    {"read-tree", "mu", "reset"},
    {"gc", "", "prune"},
    {"filter-branch", "*", ""},
    {"filter-repo", "*", ""},
    {"update-ref", "d", "stdin"},
    {"submodule", "f", "force"},
    {"push", "fd", "force,force-with-lease,delete,mirror,prune"},
};

/* The option is a shortened or whole name of the list. */
static bool in_longs(const char *list, const char *v)
{
    size_t n = strcspn(v, "=");

    for (const char *p = list; *p;) {
        size_t k = strcspn(p, ",");
        if (n >= 1 && n <= k && strncmp(p, v, n) == 0)
            return true;
        p += k + (p[k] == ',');
    }
    return false;
}

static bool has_option(const struct uw *u, size_t sub, const char *letters, const char *longs)
{
    for (size_t i = sub + 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (str_eq(v, "--"))
            return false;
        if (!v || v[0] != '-' || !v[1])
            continue;
        if (v[1] == '-' ? in_longs(longs, v + 2) : strpbrk(v + 1, letters) != NULL)
            return true;
    }
    return false;
}

/* A command of words that stand for what git does. */
static void stands_for(struct uw *u, const char *name, size_t from, size_t to)
{
    struct shell_word *w = shell_alloc(u->sh, (to - from + 2) * sizeof(*w));
    size_t n = 0;

    if (!w)
        return;
    w[n++] = shell_word_lit(u->sh, name);
    if (str_eq(name, "rm"))
        w[n++] = shell_word_lit(u->sh, "-rf");
    bool more = true;
    for (size_t i = from; i < to; i++) {
        const char *v = uw_value(u, i);
        if (more && str_eq(v, "--")) {
            more = false;
            continue;
        }
        if (more && v && v[0] == '-' && v[1])
            continue;
        /* `:`, `:/`, `:(top)` are the top of the repository, `:!x` all but x; git expands `*` itself (gitglossary(7),
         * pathspec). */
        bool top = v && v[0] == ':' && (!v[1] || strchr("/(!^", v[1]));
        bool all = v && str_eq(v, "*");
        w[n++] = top || all ? shell_word_lit(u->sh, ".") : u->c->words[i];
    }
    uw_derive(u, "git", w, n);
}

/* Unless it only looks. */
static bool dry_run(const struct uw *u, size_t sub)
{
    return has_option(u, sub, "n", "dry-run");
}

void uw_git_loses(struct uw *u, size_t sub)
{
    const char *name = uw_value(u, sub), *second = uw_value(u, sub + 1);
    size_t n = u->c->nwords;

    if (str_eq(name, "rm") && !has_option(u, sub, "n", "cached,dry-run"))
        stands_for(u, "rm", sub + 1, n);
    if (str_eq(name, "checkout") && !has_option(u, sub, "b", "orphan"))
        stands_for(u, ":git-discard", sub + 1, n);
    if (str_eq(name, "restore") && (!has_option(u, sub, "S", "staged") || has_option(u, sub, "W", "worktree")))
        stands_for(u, ":git-discard", sub + 1, n);
    bool gone = str_eq(name, "clean") && !dry_run(u, sub) && !has_option(u, sub, "i", "interactive,help");
    gone = gone || (str_eq(name, "stash") && (str_eq(second, "drop") || str_eq(second, "clear")));
    gone = gone || (str_eq(name, "reflog") && (str_eq(second, "expire") || str_eq(second, "delete")));
    for (size_t i = 0; i < ARRAY_LEN(loses); i++) {
        if (str_eq(name, loses[i].sub))
            gone = gone || *loses[i].letters == '*' || has_option(u, sub, loses[i].letters, loses[i].longs);
    }
    if (gone)
        stands_for(u, ":git-loses", sub + 1, sub + 1);
}
