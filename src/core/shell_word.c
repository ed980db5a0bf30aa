/* shell_word - one word: substitutions, expansions, globs, tildes; quotes are in shell_quote.c, ${…} in shell_param.c.
 *
 * Why it exists: quoting decides what is data and what runs. Every construct
 * that sh and bash end at different places stops the parser (see notes).
 * A word is built as a form (shell.h); live braces are marked and expanded
 * afterwards by shell_brace.c.
 * May include: base/ core/shell_ps.h.  Pure. */
#include "core/shell_ps.h"

#include <string.h>

#include "base/str.h"

void shell_wb_var(struct shell_wb *w, const char *name, size_t n, bool dq)
{
    bool many = n == 1 && *name == '@'; /* "$@" is as many words as there are arguments */
    w->flags |= SHELL_W_DYNAMIC | (dq && !many ? 0 : SHELL_W_SPLIT);
    if (!dq && w->mode == SHELL_M_ARG && n == 3 && memcmp(name, "IFS", 3) == 0)
        shell_ps_note(w->ps, w->ps->i, w->ps->i, "$IFS outside of quotes, which ends a word without a blank");
    if (n == 4 && memcmp(name, "HOME", 4) == 0) {
        buf_addc(&w->form, SHELL_F_HOME);
    } else if (n == 3 && memcmp(name, "PWD", 3) == 0) {
        buf_addc(&w->form, SHELL_F_PWD);
    } else {
        buf_addc(&w->form, SHELL_F_VAR);
        buf_add(&w->form, name, n);
        buf_addc(&w->form, SHELL_F_VAR);
    }
}

bool shell_ps_word_newline(struct shell_ps *ps)
{
    if (ps->npend > 0) {
        shell_ps_fail(ps, ps->i, "a line break inside a word, between a here-document and its text");
        return false;
    }
    return true;
}

bool shell_ps_broken_token(struct shell_ps *ps, size_t k)
{
    if (shell_ps_at(ps, k) == '\\' && shell_ps_at(ps, k + 1) == '\n') {
        shell_ps_fail(ps, ps->i, "a line continuation inside an operator");
        return true;
    }
    return false;
}

size_t shell_ps_name(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && (s[k] == '_' || (s[k] >= 'a' && s[k] <= 'z') || (s[k] >= 'A' && s[k] <= 'Z') ||
                     (k > 0 && s[k] >= '0' && s[k] <= '9')))
        k++;
    return k;
}

/* --- substitutions --- */

/* $(echo LITERAL), $(printf LITERAL): what it most likely becomes, as a variable of its own. */
static bool guess_output(struct shell_wb *w, size_t first, bool dq)
{
    struct shell *sh = w->ps->sh;
    AUTO(buf_fini) struct buf text = BUF_INIT(SHELL_TEXT_MAX);

    if (sh->ncmds != first + 1)
        return false;
    const struct shell_cmd *c = sh->cmds[first];
    if (c->nwords == 0 || c->nassigns || c->nredirs || !c->words[0].value)
        return false;
    const char *prog = shell_base(c->words[0].value);
    if (str_eq(prog, "pwd") && c->nwords == 1) {
        w->flags |= SHELL_W_DYNAMIC;
        buf_addc(&w->form, SHELL_F_PWD);
        return true;
    }
    if (!str_eq(prog, "echo") && !str_eq(prog, "printf"))
        return false;
    for (size_t i = 1; i < c->nwords; i++) {
        if (i == 1 && (str_eq(c->words[i].form, "-n") || str_eq(c->words[i].form, "%s")))
            continue;
        if (text.len)
            buf_addc(&text, ' ');
        buf_puts(&text, c->words[i].form);
    }
    char *name = shell_alloc(sh, 24);
    if (!name || text.bad || !text.len)
        return false;
    name[0] = '(';
    size_t k = 1;
    for (size_t v = first + 1; v; v /= 10)
        name[k++] = (char)('0' + v % 10);
    shell_add_var(sh, name, shell_strn(sh, text.p, text.len));
    shell_wb_var(w, name, k, dq);
    return true;
}

/* Cursor at the first byte inside; ends behind the ')'. */
static void subst_list(struct shell_ps *ps, size_t start)
{
    unsigned ctx = ps->ctx;
    int scope = ps->scope, base = ps->pend_base, pipe_from = ps->pipe_from;
    const struct shell_word *in = ps->stdin_text;

    ps->ctx = (ctx & ~(unsigned)(SHELL_C_PIPE | SHELL_C_BACKGROUND)) | SHELL_C_SUBST;
    ps->scope = shell_add_scope(ps->sh, scope);
    ps->pend_base = ps->npend;
    shell_ps_list(ps);
    if (!ps->stop && shell_ps_at(ps, 0) != ')')
        shell_ps_fail(ps, start, "a substitution that does not end, or holds what is not understood");
    else if (!ps->stop && ps->npend != ps->pend_base)
        shell_ps_fail(ps, start, "a here-document that begins in a substitution and ends outside of it");
    ps->i++;
    ps->ctx = ctx;
    ps->scope = scope;
    ps->pend_base = base;
    ps->pipe_from = pipe_from;
    ps->stdin_text = in;
}

void shell_wb_subst(struct shell_wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i, first = ps->sh->ncmds;
    bool process = ps->s[ps->i] != '$';

    ps->i += 2;
    subst_list(ps, start);
    if (ps->stop)
        return;
    w->flags |= SHELL_W_SUBST;
    if (process || !guess_output(w, first, dq))
        shell_wb_var(w, "", 0, dq);
}

/* The text of `…` with its one level of backslashes taken off (POSIX XCU 2.6.3). */
void shell_wb_backtick(struct shell_wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i, first = ps->sh->ncmds;
    AUTO(buf_fini) struct buf in = BUF_INIT(SHELL_TEXT_MAX);

    for (ps->i++; ps->i < ps->n && ps->s[ps->i] != '`'; ps->i++) {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '\n' && !shell_ps_word_newline(ps))
            return;
        if (c == '\\' && d == '\n') { /* bash takes it away even between single quotes, sh does not */
            shell_ps_fail(ps, start, "a line continuation inside `…`");
            return;
        }
        if (dq && c == '"') {
            shell_ps_fail(ps, start, "a double quote inside `…` inside double quotes");
            return;
        }
        if (c == '\\' && (d == '`' || d == '\\' || d == '$'))
            c = ps->s[++ps->i];
        else if (c == '\\' && d == '"' && dq) {
            shell_ps_fail(ps, start, "an escaped double quote inside `…` inside double quotes");
            return;
        }
        buf_addc(&in, c);
    }
    if (ps->i >= ps->n) {
        shell_ps_fail(ps, start, "a ` without its end");
        return;
    }
    ps->i++;
    struct shell_source src = *ps->src;
    src.s = shell_strn(ps->sh, in.p ? in.p : "", in.len);
    src.n = in.len;
    src.nested = true;
    src.outer = shell_ps_range(ps, start, ps->i);
    src.scope = shell_add_scope(ps->sh, ps->scope);
    src.ctx = (ps->ctx & ~(unsigned)(SHELL_C_PIPE | SHELL_C_BACKGROUND)) | SHELL_C_SUBST;
    src.func = ps->func;
    src.pipe_from = ps->pipe_from;
    src.stdin_text = ps->stdin_text;
    src.depth = ps->depth + 1;
    if (src.s)
        shell_parse_source(ps->sh, &src);
    w->flags |= SHELL_W_SUBST;
    if (!guess_output(w, first, dq))
        shell_wb_var(w, "", 0, dq);
}

/* --- expansions --- */

static void expansion(struct shell_wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    char c = shell_ps_at(ps, 1);
    size_t n = ps->i + 1 < ps->n ? shell_ps_name(ps->s + ps->i + 1, ps->n - ps->i - 1) : 0;

    if (shell_ps_broken_token(ps, 1))
        return;
    if (c == '(' && shell_ps_at(ps, 2) == '(') {
        ps->i += 3;
        shell_ps_arith(ps);
        shell_wb_var(w, "", 0, dq);
    } else if (c == '(') {
        if (!shell_ps_broken_token(ps, 2))
            shell_wb_subst(w, dq);
    } else if (c == '{') {
        shell_wb_param(w, dq);
    } else if (c == '[') {
        shell_ps_fail(ps, ps->i, "the old arithmetic $[…]");
    } else if (c == '\'' && !dq) {
        shell_wb_ansi_quote(w);
    } else if (c == '"' && !dq) {
        w->flags |= SHELL_W_DOLLAR;
        ps->i++;
        shell_wb_double_quote(w);
    } else if (n) {
        shell_wb_var(w, ps->s + ps->i + 1, n, dq);
        ps->i += 1 + n;
        if (shell_ps_broken_token(ps, 0)) /* sh: the name goes on */
            return;
    } else if (c && strchr("@*#?-$!0123456789", c)) {
        if (c == '$' && shell_ps_at(ps, 2) == '{') /* where bash looks for {a,b}, this begins a ${…} */
            shell_ps_note(ps, ps->i, ps->i + 3, "$${, which bash reads in two ways");
        shell_wb_var(w, ps->s + ps->i + 1, 1, dq);
        ps->i += 2;
    } else {
        buf_addc(&w->form, '$');
        ps->i++;
    }
}

void shell_wb_dollar(struct shell_wb *w, bool dq)
{
    if (++w->ps->depth > SHELL_PS_DEPTH)
        shell_ps_fail(w->ps, w->ps->i, "nested too deeply");
    else
        expansion(w, dq);
    w->ps->depth--;
}

/* --- unquoted text --- */

/* What the '[' at the cursor begins: 1 a set that ends at *ret_end, 0 itself, -1 something with quotes or expansions in
 * it. */
static int bracket_kind(const struct shell_ps *ps, size_t *ret_end)
{
    size_t k = ps->i + 1;

    if (k < ps->n && (ps->s[k] == '!' || ps->s[k] == '^'))
        k++;
    for (size_t first = k; k < ps->n && (ps->s[k] != ']' || k == first); k++) {
        bool class = ps->s[k] == '[' && k + 1 < ps->n && strchr(":.=", ps->s[k + 1]);
        if (class || strchr("'\"\\$`", ps->s[k]) || strchr(" \t\n;&|<>()/", ps->s[k])) {
            *ret_end = k;
            return strchr(" \t\n;&|<>()/", ps->s[k]) ? 0 : -1;
        }
    }
    *ret_end = k;
    return k < ps->n ? 1 : 0;
}

static void bracket(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t end = w->bracket_until;
    int kind = w->bracket_quoted ? -1 : 0;

    if (ps->i >= end)
        kind = bracket_kind(ps, &end);
    if (kind == 1) {
        buf_addc(&w->form, SHELL_F_ONE);
        w->flags |= SHELL_W_GLOB;
        ps->i = end + 1;
        return;
    }
    w->bracket_until = end;
    w->bracket_quoted = kind < 0;
    if (kind < 0) { /* a set, perhaps: nobody can tell what it becomes */
        w->flags |= SHELL_W_GLOB | SHELL_W_SPLIT;
        shell_wb_var(w, "", 0, true);
    } else {
        buf_addc(&w->form, '[');
    }
    ps->i++;
}

/* At '~' where a tilde prefix may stand (POSIX XCU 2.6.1). */
static void tilde(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t k = ps->i + 1;

    while (k < ps->n && k < ps->i + 64 && !strchr(" \t\n;&|<>()/:'\"\\$`{}*?[,", ps->s[k]))
        k++;
    size_t n = k - ps->i - 1;
    const char *name = ps->s + ps->i + 1;
    bool ends = k >= ps->n || strchr(" \t\n;&|<>()/:,}", ps->s[k]);
    w->flags |= SHELL_W_DYNAMIC;
    if (!ends)
        shell_wb_var(w, "", 0, true);
    else if (n == 0)
        buf_addc(&w->form, SHELL_F_HOME);
    else if (n == 1 && *name == '+')
        buf_addc(&w->form, SHELL_F_PWD);
    else if (n == 4 && memcmp(name, "root", 4) == 0)
        buf_puts(&w->form, "/root");
    else if (shell_ps_name(name, n) == n) {
        buf_puts(&w->form, "/home/");
        buf_add(&w->form, name, n);
    } else
        shell_wb_var(w, "", 0, true);
    ps->i = k;
}

static bool tilde_here(const struct shell_wb *w, size_t start)
{
    const struct shell_ps *ps = w->ps;

    if (ps->i == start)
        return true;
    char before = ps->s[ps->i - 1];
    /* In an argument of the form name=a:~ too: bash, outside of its POSIX mode. */
    if (before == ':' && (w->mode == SHELL_M_ASSIGN || memchr(ps->s + start, '=', ps->i - start)))
        return true;
    if (w->mode == SHELL_M_ASSIGN)
        return false;
    /* name=~/x as an argument: bash expands it, sh does not; the reading that reaches further counts. {~,x}: braces
     * first. */
    return w->mode == SHELL_M_ARG && (before == '=' || before == '{' || before == ',');
}

static void backslash(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;

    if (ps->i + 1 >= ps->n) {
        shell_ps_fail(ps, ps->i, "a backslash at the end of the text");
        return;
    }
    if (ps->s[ps->i + 1] == '\n') {
        if (!shell_ps_word_newline(ps))
            return;
    } else {
        buf_addc(&w->form, ps->s[ps->i + 1]);
    }
    w->flags |= SHELL_W_QUOTED;
    ps->i += 2;
}

static char brace_mark(char c)
{
    return c == '{' ? SHELL_F_OPEN : c == ',' ? SHELL_F_COMMA : SHELL_F_CLOSE;
}

static void unquoted(struct shell_wb *w, size_t start)
{
    struct shell_ps *ps = w->ps;
    char c = ps->s[ps->i];

    switch (c) {
    case '\\':
        backslash(w);
        return;
    case '\'':
        shell_wb_single_quote(w);
        return;
    case '"':
        shell_wb_double_quote(w);
        return;
    case '$':
        shell_wb_dollar(w, false);
        return;
    case '`':
        shell_wb_backtick(w, false);
        return;
    case '[':
        bracket(w);
        return;
    case '*':
    case '?':
        buf_addc(&w->form, c == '*' ? SHELL_F_STAR : SHELL_F_ONE);
        w->flags |= SHELL_W_GLOB;
        break;
    case '{':
    case ',':
    case '}':
        buf_addc(&w->form, w->mode == SHELL_M_ARG ? brace_mark(c) : c);
        break;
    case '~':
        if (tilde_here(w, start)) {
            tilde(w);
            return;
        }
        buf_addc(&w->form, c);
        break;
    default:
        buf_addc(&w->form, c);
    }
    ps->i++;
}

/* Is the unquoted character the end of a word? In a regex of [[ =~ ]] parentheses and '|' belong to it. */
static bool ends_word(const struct shell_wb *w, char c, int parens)
{
    if (w->mode != SHELL_M_REGEX)
        return strchr(" \t\n;&|<>()", c) != NULL;
    if (c == '|' || c == '(' || c == ')')
        return c == ')' && parens == 0;
    return parens == 0 && strchr(" \t\n;&<>", c) != NULL;
}

static void reserved_by_continuation(struct shell_ps *ps, size_t start, const struct buf *form)
{
    static const char *const words[] = {"if",     "then",  "else", "elif",  "fi", "do", "done",     "case",
                                        "esac",   "while", "for",  "until", "in", "{",  "function", "select",
                                        "coproc", "time",  "!",    "}",     "[[", "]]", NULL};

    if (!form->p || !memmem(ps->s + start, ps->i - start, "\\\n", 2))
        return;
    for (size_t i = 0; words[i]; i++) {
        if (str_eq(words[i], form->p))
            shell_ps_fail(ps, start, "a line continuation inside a reserved word");
    }
    size_t n = shell_ps_name(form->p, form->len); /* na\<newline>me=value is an assignment */
    bool redirs = ps->i < ps->n && strchr("<>", ps->s[ps->i]) &&
                  (strspn(form->p, "0123456789") == form->len || form->p[0] == SHELL_F_OPEN);
    if (redirs) /* 1\\<newline>3>x is a redirection of 13 */
        shell_ps_fail(ps, start, "a line continuation inside an operator");
    if (n && form->p[n] && strchr("=+[", form->p[n]))
        shell_ps_fail(ps, start, "a line continuation inside the name of a variable");
}

static void word_run(struct shell_wb *w, size_t start)
{
    struct shell_ps *ps = w->ps;
    int parens = 0;

    while (!ps->stop && ps->i < ps->n) {
        char c = ps->s[ps->i];
        if ((c == '<' || c == '>') && shell_ps_at(ps, 1) == '(') {
            shell_wb_subst(w, false);
            continue;
        }
        if (ends_word(w, c, parens))
            break;
        if (w->mode == SHELL_M_REGEX) {
            parens += (c == '(') - (c == ')');
            if (c == '|' && parens == 0)
                shell_ps_note(ps, start, ps->i, "a '|' in a regular expression, which sh takes for a pipe");
        }
        unquoted(w, start);
    }
}

/* a[$(x)], a[1+`x`] */
static bool index_runs(const char *form)
{
    int depth = 0;

    for (const char *p = form; *p; p++) {
        depth += *p == '[' ? 1 : *p == ']' && depth ? -1 : 0;
        if (depth && (*p == '`' || (*p == '$' && p[1] == '(')))
            return true;
    }
    return false;
}

bool shell_ps_word(struct shell_ps *ps, enum shell_word_mode mode, struct shell_word *ret)
{
    struct shell_wb w = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = mode};
    size_t start = ps->i;

    if (++ps->depth > SHELL_PS_DEPTH)
        shell_ps_fail(ps, start, "nested too deeply");
    word_run(&w, start);
    ps->depth--;
    bool ok = !ps->stop && ps->i > start;
    if (ok)
        reserved_by_continuation(ps, start, &w.form);
    ok = ok && !ps->stop;
    if (ok && w.form.bad) {
        shell_ps_fail(ps, start, "a word that is too long");
        ok = false;
    }
    if (ok) {
        *ret = (struct shell_word){.flags = w.flags};
        if (mode != SHELL_M_ARG)
            ret->flags &= ~(unsigned)SHELL_W_SPLIT;
        ret->text = shell_strn(ps->sh, ps->s + start, ps->i - start);
        ret->form = shell_strn(ps->sh, w.form.p ? w.form.p : "", w.form.len);
        ok = ret->text && ret->form;
        if (ok)
            shell_word_finish(ret);
        /* Arrays' indices are evaluated as arithmetic, which runs substitutions even out of single quotes. */
        if (ok && index_runs(ret->form))
            shell_ps_note(ps, start, ps->i, "text that arithmetic or an array index would run as a command");
    }
    buf_fini(&w.form);
    return ok;
}

void shell_ps_heredoc(struct shell_ps *ps, const char *p, size_t n, struct shell_word *ret)
{
    struct shell_ps in = *ps;
    struct shell_wb w = {.ps = &in, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = SHELL_M_PLAIN};
    size_t off = (size_t)(p - ps->s);

    /* p points into the same text, so that ranges stay true. */
    in.i = off;
    in.n = off + n;
    in.npend = in.pend_base = 0;
    shell_wb_quoted_run(&w, '\0');
    ps->stop = in.stop;
    ret->flags = w.flags;
    ret->form = shell_strn(ps->sh, w.form.p ? w.form.p : "", w.form.len);
    buf_fini(&w.form);
    if (ret->form)
        shell_word_finish(ret);
}
