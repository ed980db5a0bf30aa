/* policy_match - does a rule speak about a simple command?
 *
 * Why it exists: the same request has many spellings (-rf, -r -f, --recursive
 * --force, /bin/rm, "rm"). A deny or ask rule matches when the command may be
 * meant; an allow rule only when it is certain.
 * May include: core/policy_int.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"

/* --- the program --- */

/* Directories whose programs are the system's own. */
static bool system_dir(const char *path)
{
    static const char *const dirs[] = {"/bin/",      "/usr/bin/",       "/sbin/",
                                       "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        size_t n = strlen(dirs[i]);
        if (strncmp(path, dirs[i], n) == 0 && !strchr(path + n, '/'))
            return true;
    }
    return false;
}

static bool program_pattern(const char *pat, const struct shell_word *w, bool sure)
{
    if (strchr(pat, '/'))
        return w->value && !strstr(w->value, "/../") && !str_starts(w->value, "../") && glob_match(pat, w->value);
    if (sure)
        return w->value && (!strchr(w->value, '/') || system_dir(w->value)) && glob_match(pat, shell_base(w->value));
    const char *base = shell_base(w->form);
    if (!strpbrk(base, "\x01\x02\x03"))
        return glob_match(pat, base);
    bool some = false; /* a pattern alone (./…/ *) says nothing about the name */
    for (const char *p = base; *p; p++)
        some = some || (unsigned char)*p > 0x06;
    return some && shell_form_known(base) && path_may(pat, base);
}

static bool program_matches(const struct policy_list *l, const struct shell_word *w, bool sure)
{
    for (size_t i = 0; i < l->n; i++) {
        if (program_pattern(l->v[i], w, sure))
            return true;
    }
    return false;
}

/* --- flags --- */

/* Letters and words that mean the same, by program ("" for every other). */
static const struct {
    const char *programs; /* " rm cp " */
    const char *letters;
    const char *word;
} same[] = {
    {" rm cp ", "rR", "recursive"},  {" chmod chown chgrp ", "R", "recursive"},
    {" grep ", "rR", "recursive"},   {" ls ", "R", "recursive"},
    {" rm cp mv ln ", "f", "force"}, {" git ", "f", "force"},
    {" rm ", "i", "interactive"},    {" rm ", "d", "dir"},
    {" sed ", "i", "in-place"},      {" rsync ", "n", "dry-run"},
    {" make ", "n", "just-print"},   {" docker podman ", "f", "force"},
    {" apt apt-get ", "y", "yes"},   {" cp ", "a", "archive"},
    {" tar ", "x", "extract"},
};

static bool listed(const char *programs, const char *prog)
{
    size_t n = strlen(prog);

    for (const char *p = n ? strstr(programs, prog) : NULL; p; p = strstr(p + 1, prog)) {
        if (p > programs && p[-1] == ' ' && p[n] == ' ')
            return true;
    }
    return false;
}

/* Are the one-letter flags a and b the same for this program? */
static bool same_letter(const char *prog, char a, char b)
{
    if (a == b)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        if (strchr(same[i].letters, a) && strchr(same[i].letters, b) && listed(same[i].programs, prog))
            return true;
    }
    return false;
}

/* The long word of a letter, or the first letter of a long word; NULL or 0 when there is none. */
static const char *word_of(const char *prog, char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        if (strchr(same[i].letters, letter) && listed(same[i].programs, prog))
            return same[i].word;
    }
    return NULL;
}

static char letter_of(const char *prog, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        if (str_eq(same[i].word, word) && listed(same[i].programs, prog))
            return same[i].letters[0];
    }
    return '\0';
}

/* `--recurs` stands for --recursive (GNU getopt_long abbreviations). */
static bool long_is(const char *v, const char *word, bool sure)
{
    size_t n = strcspn(v, "=");

    return n > 0 &&
           (n == strlen(word) ? strncmp(v, word, n) == 0 : !sure && n < strlen(word) && strncmp(v, word, n) == 0);
}

static bool word_has_flag(const char *v, const char *prog, const char *flag, bool sure)
{
    bool letter = flag[0] && !flag[1];
    const char *word = letter ? word_of(prog, flag[0]) : flag;
    char c = letter ? flag[0] : letter_of(prog, flag);

    if (v[0] != '-' || !v[1])
        return false;
    if (v[1] == '-')
        return word && long_is(v + 2, word, sure);
    if (!letter && long_is(v + 1, flag, true)) /* -delete, -name */
        return true;
    for (const char *p = v + 1; c && *p && *p != '='; p++) {
        if (same_letter(prog, c, *p))
            return true;
    }
    return false;
}

static bool has_flag(const struct shell_cmd *c, const char *prog, const char *flag, bool sure)
{
    flag += *flag == '-';
    flag += *flag == '-';
    for (size_t i = 1; i < c->nwords; i++) {
        const char *v = sure ? c->words[i].value : c->words[i].form;
        if (str_eq(v, "--"))
            return false;
        if (v && word_has_flag(v, prog, flag, sure))
            return true;
    }
    return false;
}

/* --- operands as paths --- */

/* What the i-th word may name as a path, or NULL. --x=path and if=path name one behind the '='. */
static const char *operand(const struct shell_cmd *c, size_t i, bool more, bool *ret_option)
{
    const char *f = c->words[i].form;
    const char *eq = strchr(f, '=');

    *ret_option = more && f[0] == '-' && f[1];
    if (!*ret_option)
        return f;
    return eq ? eq + 1 : NULL;
}

/* DIR/ * and DIR/.* stand for DIR too: emptying is deleting. */
static bool whole_dir(const char *f, struct buf *out)
{
    char cut[512];
    size_t n = strlen(f);
    bool star = false;

    while (n > 1 && f[n - 1] == '/') /* every directory there */
        n--;
    if (f[n] == '/' && n < sizeof(cut)) {
        memcpy(cut, f, n);
        cut[n] = '\0';
        f = cut;
    }
    const char *last = strrchr(f, '/');
    const char *name = last ? last + 1 : f;

    for (const char *p = name; *p; p++) {
        if (*p == SHELL_F_STAR)
            star = true;
        else if (*p != SHELL_F_ONE && *p != '.')
            return false;
    }
    if (!star)
        return false;
    if (last == f)
        buf_addc(out, '/');
    else if (last)
        buf_add(out, f, (size_t)(last - f));
    else
        buf_addc(out, '.');
    return true;
}

static bool path_meant(const struct policy_list *l, const struct place *pl, const char *cwd, const char *f, bool made)
{
    AUTO(buf_fini) struct buf dir = BUF_INIT(64 * KIB);
    const char *eq = strchr(f, '=');

    /* A word nobody can know is not every path: it is left to the default. But /$X may be /. */
    if (*f == SHELL_F_VAR && !strchr(f, '/'))
        return false;
    if (path_list_may(l, pl, cwd, f))
        return true;
    if (!made && whole_dir(f, &dir) && path_list_may(l, pl, cwd, dir.p))
        return true;
    return eq && eq > f && eq[1] && path_list_may(l, pl, cwd, eq + 1);
}

static bool operands_may(const struct policy_list *l, const struct shell *sh, const struct shell_cmd *c,
                         const struct place *pl, const char *cwd)
{
    bool more = true, option;

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = operand(c, i, more, &option);
        if (str_eq(c->words[i].value, "--"))
            more = false;
        if (!f || !*f)
            continue;
        for (unsigned pick = 0; pick < SHELL_READINGS_MAX; pick++) {
            AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
            if (!path_reading(pl, sh, f, pick, &b))
                break;
            if (path_meant(l, pl, cwd, b.p, c->words[i].flags & SHELL_W_MADE))
                return true;
            if (shell_form_known(f))
                break;
        }
    }
    return false;
}

static bool operands_must(const struct policy_list *l, const struct shell_cmd *c, const struct place *pl,
                          const char *cwd)
{
    bool more = true, option, any = false;

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = operand(c, i, more, &option);
        if (more && str_eq(c->words[i].value, "--")) {
            more = false;
            continue;
        }
        if (!f)
            continue;
        any = true;
        if (!path_list_must(l, pl, cwd, f))
            return false;
    }
    return any;
}

/* --- any: word patterns --- */

/* One word of the pattern, copied to buf; false at the end. */
static bool pattern_word(const char **p, char *out, size_t cap)
{
    size_t n;

    *p += strspn(*p, " ");
    n = strcspn(*p, " ");
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, *p, n);
    out[n] = '\0';
    *p += n;
    return true;
}

static bool word_matches(const char *pat, const struct shell_word *w, bool sure)
{
    if (w->value)
        return glob_match(pat, w->value);
    if (strchr(w->form, SHELL_F_VAR) || strchr(w->form, SHELL_F_HOME) || strchr(w->form, SHELL_F_PWD))
        return false;
    /* A glob is compared as it is written; for allow it must be a plain word or under a '*'. */
    return !sure && glob_match(pat, w->text);
}

/* `*` alone stands for any number of words. Rows as in a regular expression's position set: linear in both. */
static bool any_matches(const char *pattern, const struct shell_cmd *c, bool sure)
{
    char word[POLICY_PATTERN_MAX + 1];
    bool on[SHELL_CMDS_MAX + 1] = {false};
    size_t n = c->nwords;

    if (n > SHELL_CMDS_MAX && sure)
        return false;
    if (n > SHELL_CMDS_MAX)
        n = SHELL_CMDS_MAX; /* only the first thousand words are looked at */
    if (!pattern_word(&pattern, word, sizeof(word)) || !program_pattern(word, &c->words[0], sure))
        return false;
    on[1] = true;
    while (pattern_word(&pattern, word, sizeof(word))) {
        bool next[SHELL_CMDS_MAX + 1] = {false};
        bool star = str_eq(word, "*"), reach = false;
        for (size_t j = 1; j <= n; j++) {
            reach = reach || on[j];
            if (star)
                next[j] = reach;
            else if (j < n && on[j] && word_matches(word, &c->words[j], sure))
                next[j + 1] = true;
        }
        memcpy(on, next, sizeof(on));
    }
    return on[n];
}

/* --- the rule --- */

bool match_command(const struct policy_rule *r, const struct shell *sh, const struct shell_cmd *c,
                   const struct place *pl, const char *cwd, bool sure)
{
    if (r->kind != POLICY_M_COMMAND || c->nwords == 0)
        return false;
    for (size_t i = 0; i < r->any.n; i++) {
        if (any_matches(r->any.v[i], c, sure))
            return true;
    }
    if (r->program.n == 0 || !program_matches(&r->program, &c->words[0], sure))
        return false;
    const char *prog = shell_base(c->words[0].form);
    for (size_t i = 0; i < r->flags.n; i++) {
        if (!has_flag(c, prog, r->flags.v[i], sure))
            return false;
    }
    if (r->paths.n == 0)
        return true;
    return sure ? operands_must(&r->paths, c, pl, cwd) : operands_may(&r->paths, sh, c, pl, cwd);
}

bool match_program_name(const struct policy_rule *r, const char *name)
{
    struct shell_word w = {.text = name, .form = name, .value = name};
    char word[POLICY_PATTERN_MAX + 1];

    if (r->kind != POLICY_M_COMMAND)
        return false;
    for (size_t i = 0; i < r->any.n; i++) {
        const char *p = r->any.v[i];
        if (pattern_word(&p, word, sizeof(word)) && program_pattern(word, &w, true))
            return true;
    }
    return program_matches(&r->program, &w, true);
}
