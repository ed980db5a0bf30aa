/* shell_unwrap - sees through programs that run other programs.
 *
 * Why it exists: `sudo env X=1 timeout 5 bash -c 'rm -rf /'` is about rm. Each
 * wrapper is one row; what a row does not explain (an unknown option, a value
 * that is not literal) makes the command opaque.
 * May include: core/shell_wrap.h.  Pure.
 *
 * Commands found are appended, and looked at in turn, until none is new. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

const char *uw_value(const struct uw *u, size_t i)
{
    return i < u->c->nwords ? u->c->words[i].value : NULL;
}

bool uw_is(const struct uw *u, size_t i, const char *s)
{
    return str_eq(uw_value(u, i), s);
}

void uw_opaque(struct uw *u, const char *reason)
{
    shell_add_opaque(u->sh, u->c->at, reason, u->c->text, strlen(u->c->text), u->at);
}

static const char *join_text(struct shell *sh, const struct shell_word *w, size_t n)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(512);

    for (size_t i = 0; i < n && !b.bad; i++) {
        if (i)
            buf_addc(&b, ' ');
        buf_puts(&b, w[i].text);
    }
    if (b.bad) {
        while (b.len > 0 && ((unsigned char)b.p[b.len - 1] & 0xc0) == 0x80)
            b.len--;
        b.len -= b.len > 0 && (unsigned char)b.p[b.len - 1] >= 0xc0;
    }
    const char *p = shell_strn(sh, b.p ? b.p : "", b.len);
    return p ? p : "";
}

void uw_derive(struct uw *u, const char *how, const struct shell_word *words, size_t n)
{
    struct shell_cmd *d = n ? shell_alloc(u->sh, sizeof(*d)) : NULL;

    if (!d)
        return;
    for (size_t i = 1; i < u->c->nwords; i++) { /* sh has a $ there: another option, operand or end of the command */
        if (u->c->words[i].flags & SHELL_W_DOLLAR)
            uw_opaque(u, "$'…' in what runs a command, which sh takes as it is");
    }
    *d = *u->c;
    d->assigns = NULL;
    d->redirs = NULL;
    d->nassigns = d->nredirs = 0;
    d->words = (struct shell_word *)words;
    d->nwords = n;
    d->text = join_text(u->sh, words, n);
    d->via = u->at;
    d->how = how;
    d->transparent = false;
    shell_add_cmd(u->sh, d);
}

void uw_text(struct uw *u, const char *how, const char *text, bool new_scope)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        if (uw_disputed(&u->c->words[i]))
            uw_opaque(u, "{a,b} or $'…' in what a shell is given: sh and bash give it different texts");
    }
    shell_parse_inner(u->sh, u->at, how, text, strlen(text), new_scope);
}

/* --- what variables may make of a command --- */

struct items {
    struct shell_word *w;
    size_t n, cap;
};

static void item(struct uw *u, struct items *it, const char *form, size_t n)
{
    struct shell_word *w = shell_push(u->sh, &it->w, &it->n, &it->cap, sizeof(*w));

    if (w)
        *w = shell_word_form(u->sh, form, n);
}

/* $CMD with CMD="rm -rf /": the words it falls into. Only to find what must be denied; the command itself stays
 * unknown. */
static void guess(struct uw *u)
{
    struct items it = {0};
    bool needed = false;

    for (size_t i = 0; i < u->c->nwords; i++) {
        const struct shell_word *w = &u->c->words[i];
        AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
        if (!shell_resolve(u->sh, w->form, 0, &b) || !b.p)
            return;
        bool changed = strcmp(b.p, w->form) != 0;
        bool split = changed && (w->flags & SHELL_W_SPLIT) && strpbrk(b.p, " \t\n");
        needed = needed || split || (i == 0 && changed && shell_form_known(b.p));
        if (!split) {
            item(u, &it, b.p, b.len);
            continue;
        }
        for (char *p = b.p; *p;) {
            p += strspn(p, " \t\n");
            size_t n = strcspn(p, " \t\n");
            if (n)
                item(u, &it, p, n);
            p += n;
        }
    }
    if (needed && it.n && u->c->nest < SHELL_NEST_MAX) {
        u->c->nest++;
        uw_derive(u, "variable", it.w, it.n);
        u->c->nest--;
        if (!shell_dead(u->sh))
            u->sh->cmds[u->sh->ncmds - 1]->transparent = u->c->words[0].value == NULL;
    }
}

static void unknown_program(struct uw *u)
{
    const struct shell_word *w = &u->c->words[0];

    if (w->flags & SHELL_W_SUBST)
        uw_opaque(u, "a substitution stands where the program is named");
    else if (w->flags & SHELL_W_DYNAMIC && !shell_form_known(w->form))
        uw_opaque(u, "a variable stands where the program is named");
    else if (w->flags & SHELL_W_GLOB)
        uw_opaque(u, "a pattern stands where the program is named");
}

/* {a,b} and $'…' as the program: sh knows neither and runs what has that name. */
static void disputed_program(struct uw *u)
{
    const struct shell_word *w = &u->c->words[0];

    if (w->text[0] == '~' && w->form[0] != SHELL_F_HOME && w->form[0] != SHELL_F_PWD)
        uw_opaque(u, "the home of a user, who may not exist, stands where the program is named");
    if (w->text[0] && strchr(w->text + 1, '~'))
        uw_opaque(u, "a ~ inside the name of a program, which bash expands and sh does not");
    if (uw_disputed(w))
        uw_opaque(u, "{a,b} or $'…' stands where the program is named, which sh takes for its name");
}

/* Calls of functions the text defines: what $1… may be. */
static void bind_arguments(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords && i < 10; i++) {
        char *name = shell_alloc(u->sh, 2);
        if (!name)
            return;
        name[0] = (char)('0' + i);
        shell_add_var(u->sh, name, u->c->words[i].form);
        if (i == 1) {
            shell_add_var(u->sh, "@", u->c->words[i].form);
            shell_add_var(u->sh, "*", u->c->words[i].form);
        }
    }
}

/* A function that starts itself twice, or in the background, never ends. */
static void fork_bombs(struct shell *sh)
{
    for (size_t f = 0; f < sh->nfuncs; f++) {
        int calls = 0;
        for (size_t i = 0; i < sh->ncmds; i++) {
            struct shell_cmd *c = sh->cmds[i];
            bool self = str_eq(c->func, sh->funcs[f].name) && c->nwords && str_eq(c->words[0].value, c->func);
            calls += self && (c->ctx & (SHELL_C_PIPE | SHELL_C_BACKGROUND));
        }
        if (calls < 1)
            continue;
        struct shell_word *w = shell_alloc(sh, sizeof(*w));
        struct shell_cmd *c = shell_alloc(sh, sizeof(*c));
        if (!w || !c)
            return;
        *w = shell_word_lit(sh, ":fork-bomb");
        *c = (struct shell_cmd){.at = sh->funcs[f].at,
                                .text = sh->funcs[f].name,
                                .words = w,
                                .nwords = 1,
                                .pipe_from = -1,
                                .via = -1,
                                .how = "function"};
        shell_add_cmd(sh, c);
    }
}

/* --- files the text writes and then runs --- */

static bool is_program(const struct shell_cmd *c, const char *const *names, size_t n)
{
    const char *prog = c->nwords ? c->words[0].value : NULL;

    for (size_t i = 0; prog && i < n; i++) {
        if (str_eq(shell_base(prog), names[i]))
            return true;
    }
    return false;
}

/* What the text writes by redirections and tee. Folders are left off: the text may change its own. */
#define WRITTEN_MAX 256
struct written {
    const char *names[WRITTEN_MAX];
    size_t n;
    bool unknown; /* some name is only known when it runs, or gets another one */
};

static void add_written(struct written *f, const struct shell_word *w)
{
    if (w->value && str_starts(w->value, "/dev/"))
        return;
    if (!w->value || f->n == WRITTEN_MAX)
        f->unknown = true;
    else
        f->names[f->n++] = shell_base(w->value);
}

static bool is_written(const struct written *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++) {
        if (str_eq(f->names[i], shell_base(name)))
            return true;
    }
    return false;
}

static bool reads_input(const struct shell_cmd *c)
{
    bool dd = str_eq(shell_base(c->words[0].value), "dd");

    for (size_t i = 1; i < c->nwords; i++) {
        if (str_starts(c->words[i].form, "/dev/") || str_starts(c->words[i].form, "/proc/"))
            return true;
    }
    return dd;
}

static void find_written(const struct shell *sh, struct written *f)
{
    static const char *const tee[] = {"tee"}, *const renamers[] = {"cp", "dd", "mv", "ln", "install", "rsync"};

    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        for (size_t k = 0; k < c->nredirs; k++) {
            const struct shell_redir *r = &c->redirs[k];
            if (r->op == SHELL_R_OUT || r->op == SHELL_R_APPEND || r->op == SHELL_R_CLOBBER || r->op == SHELL_R_RW ||
                r->op == SHELL_R_BOTH || r->op == SHELL_R_BOTHAPP)
                add_written(f, r->target);
        }
        bool copies = is_program(c, tee, ARRAY_LEN(tee)) || (is_program(c, renamers, 2) && reads_input(c));
        for (size_t k = 1; k < c->nwords && copies; k++) {
            struct shell_word w = c->words[k];
            w.value = w.value && str_starts(w.value, "of=") ? w.value + 3 : w.value;
            add_written(f, &w);
        }
    }
    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        bool renames = is_program(c, renamers, ARRAY_LEN(renamers));
        for (size_t k = 1; renames && k < c->nwords && !f->unknown; k++)
            f->unknown = f->n && (!c->words[k].value || is_written(f, c->words[k].value));
    }
}

/* Files that a program reads by itself and runs what stands in them. */
static const struct {
    const char *prog, *file; /* a program's glob, a name */
} implied[] = {{"make", "Makefile"},
               {"make", "makefile"},
               {"make", "GNUmakefile"},
               {"gmake", "Makefile"},
               {"npm", "package.json"},
               {"pnpm", "package.json"},
               {"yarn", "package.json"},
               {"pytest", "conftest.py"},
               {"tox", "tox.ini"},
               {"nox", "noxfile.py"},
               {"cargo", "build.rs"},
               {"cargo", ".cargo/config.toml"},
               {"cmake", "CMakeLists.txt"},
               {"meson", "meson.build"},
               {"ninja", "build.ninja"},
               {"rake", "Rakefile"},
               {"just", "justfile"},
               {"just", "Justfile"},
               {"task", "Taskfile.yml"},
               {"gradle", "build.gradle"},
               {"mvn", "pom.xml"},
               {"ant", "build.xml"},
               {"bundle", "Gemfile"},
               {"composer", "composer.json"},
               {"pre-commit", ".pre-commit-config.yaml"},
               {"git", ".gitattributes"}};

/* `echo … > x; sh x`: what x holds was not read by anybody. */
static void own_files(struct shell *sh)
{
    static const char *const runners[] = {"python", "python3", "node", "perl", "ruby", "php", "awk", "sed", "make"};
    struct written f = {.n = 0};

    find_written(sh, &f);
    for (size_t i = 0; i < sh->ncmds && (f.n || f.unknown); i++) {
        const struct shell_cmd *c = sh->cmds[i];
        const char *prog = c->nwords ? c->words[0].form : "";
        bool own = strchr(prog, '/') && (f.unknown || is_written(&f, prog));
        for (size_t k = 0; k < ARRAY_LEN(implied); k++)
            own = own || (str_eq(shell_base(prog), implied[k].prog) && is_written(&f, implied[k].file));
        for (size_t w = 1; w < c->nwords && w < 8 && is_program(c, runners, ARRAY_LEN(runners)); w++)
            own = own || (c->words[w].form[0] != '-' && (w == 1 || *c->words[w - 1].form == '-') &&
                          is_written(&f, c->words[w].form));
        struct uw u = {.sh = sh, .at = (int)i, .c = sh->cmds[i]};
        if (own)
            uw_opaque(&u, "it runs a file that the same text writes");
    }
}

/* A blank that no shell takes for one (no-break, ideographic …): `rm -rf` with it is one word that looks like two. */
static void odd_blanks(struct uw *u)
{
    for (size_t i = 0; i < u->c->nwords; i++) {
        const struct shell_word *w = &u->c->words[i];
        const char *p = w->text, *end = p + strlen(p);
        while (p < end && !(i > 0 && (w->flags & SHELL_W_QUOTED))) {
            int32_t cp = utf8_next(&p, end);
            bool blank = cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x202f || cp == 0x205f ||
                         cp == 0x3000;
            if (blank) {
                uw_opaque(u, "a blank that the shell does not take for one");
                return;
            }
        }
    }
}

/* Only so many values are looked at: `o=1; o=2; …; tar $o`. */
static void many_readings(struct uw *u)
{
    bool many = false;

    for (size_t i = 0; i < u->c->nwords && !many; i++)
        many = shell_readings(u->sh, u->c->words[i].form) > SHELL_READINGS_MAX;
    for (size_t i = 0; i < u->c->nredirs && !many; i++)
        many = shell_readings(u->sh, u->c->redirs[i].target->form) > SHELL_READINGS_MAX;
    if (many)
        uw_opaque(u, "a variable that may hold more than can be looked at");
}

static void look(struct shell *sh, int at)
{
    struct uw u = {.sh = sh, .at = at, .c = sh->cmds[at]};

    uw_environment(&u);
    odd_blanks(&u);
    many_readings(&u);
    if (u.c->nwords == 0 || (u.c->how && str_eq(u.c->how, "function")))
        return;
    guess(&u);
    disputed_program(&u);
    if (!u.c->words[0].value) {
        const char *base = shell_base(u.c->words[0].form);
        if (!(u.c->how && str_eq(u.c->how, "variable")))
            unknown_program(&u);
        if (*base && strpbrk(base, "\x01\x02\x03"))
            return;
        u.prog = base; /* /b?n/sh, ~/bin/x: the last name is known */
    } else {
        u.prog = shell_base(u.c->words[0].value);
    }
    if (shell_is_func(sh, u.prog))
        bind_arguments(&u);
    if (uw_shells(&u) || uw_builtins(&u))
        return;
    if (uw_wrappers(&u)) {
        uw_option_rows(&u);
        return;
    }
    uw_interpreters(&u);
    uw_programs(&u);
}

int shell_unwrap(struct shell *sh, struct err *e)
{
    fork_bombs(sh);
    for (size_t i = 0; i < sh->ncmds && !shell_dead(sh); i++)
        look(sh, (int)i);
    own_files(sh);
    if (sh->priv->oom)
        return err_oom(e);
    if (sh->priv->full)
        shell_note_full(sh);
    return 0;
}
