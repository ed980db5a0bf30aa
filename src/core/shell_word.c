/* shell_word - one word: quotes, expansions, substitutions, globs.
 *
 * Why it exists: quoting decides what is data and what runs. Every construct
 * that sh and bash end at different places stops the parser (see notes).
 * A word is built as a form (shell.h); live braces are marked and expanded
 * afterwards by shell_brace.c.
 * May include: base/ core/shell_int.h.  Pure. */
#include "core/shell_int.h"

#include <string.h>

#include "base/str.h"

struct wb {
    struct shell_ps *ps;
    struct buf form;
    unsigned flags;
    enum shell_word_mode mode;
    size_t bracket_until; /* a '[' before this place gets the answer of the one before it: */
    bool bracket_quoted;
};

static void dollar(struct wb *w, bool dq);
static void backtick(struct wb *w, bool dq);

static void put_var(struct wb *w, const char *name, size_t n, bool dq)
{
    w->flags |= SHELL_W_DYNAMIC | (dq ? 0 : SHELL_W_SPLIT);
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

/* A line break inside a word while a here-document waits: where its text begins is then a matter of opinion. */
static bool word_newline(struct shell_ps *ps)
{
    if (ps->npend > 0) {
        shell_ps_fail(ps, ps->i, "a line break inside a word, between a here-document and its text");
        return false;
    }
    return true;
}

/* `\` + newline directly behind a character that may begin a longer token. */
static bool broken_token(struct shell_ps *ps, size_t k)
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
static bool guess_output(struct wb *w, size_t first, bool dq)
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
    put_var(w, name, k, dq);
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

/* At "$(" , "<(" or ">(". */
static void subst_paren(struct wb *w, bool dq)
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
        put_var(w, "", 0, dq);
}

/* The text of `…` with its one level of backslashes taken off (POSIX XCU 2.6.3). */
static void backtick(struct wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i, first = ps->sh->ncmds;
    AUTO(buf_fini) struct buf in = BUF_INIT(SHELL_TEXT_MAX);

    for (ps->i++; ps->i < ps->n && ps->s[ps->i] != '`'; ps->i++) {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '\n' && !word_newline(ps))
            return;
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
        put_var(w, "", 0, dq);
}

/* --- quotes --- */

static void single_quote(struct wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;

    for (; ps->i < ps->n && ps->s[ps->i] != '\''; ps->i++) {
        if (ps->s[ps->i] == '\n' && !word_newline(ps))
            return;
        buf_addc(&w->form, ps->s[ps->i]);
    }
    if (ps->i >= ps->n)
        shell_ps_fail(ps, start, "a ' without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED;
}

/* What "…" and the text of an unquoted here-document share. `end` is '"', or 0 for a here-document. */
static void quoted_run(struct wb *w, char end)
{
    struct shell_ps *ps = w->ps;

    while (!ps->stop && ps->i < ps->n && (!end || ps->s[ps->i] != end)) {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '$') {
            dollar(w, true);
        } else if (c == '`') {
            backtick(w, true);
        } else if (c == '\\' && d == '\n') {
            if (end && !word_newline(ps))
                return;
            ps->i += 2;
        } else if (c == '\\' && (d == '$' || d == '`' || d == '\\' || (end && d == '"'))) {
            buf_addc(&w->form, d);
            ps->i += 2;
        } else {
            if (c == '\n' && end && !word_newline(ps))
                return;
            buf_addc(&w->form, c);
            ps->i++;
        }
    }
}

static void double_quote(struct wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;

    quoted_run(w, '"');
    if (!ps->stop && ps->i >= ps->n)
        shell_ps_fail(ps, start, "a \" without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static uint32_t number(struct shell_ps *ps, int base, int most)
{
    uint32_t v = 0;

    for (int k = 0; k < most && digit_of(shell_ps_at(ps, 0)) < base; k++)
        v = v * (uint32_t)base + (uint32_t)digit_of(ps->s[ps->i++]);
    return v;
}

/* A byte that may be a control character: then the value is not known. */
static void put_byte(struct wb *w, uint32_t v)
{
    if (v == '\n' || v == '\t' || (v >= 0x20 && v != 0x7f)) {
        buf_addc(&w->form, (char)v);
        return;
    }
    put_var(w, "", 0, true);
}

static void put_utf8(struct wb *w, uint32_t cp)
{
    if (cp < 0x80) {
        put_byte(w, cp);
    } else if (cp < 0x800) {
        buf_addc(&w->form, (char)(0xc0 | cp >> 6));
        buf_addc(&w->form, (char)(0x80 | (cp & 0x3f)));
    } else if (cp < 0x10000) {
        buf_addc(&w->form, (char)(0xe0 | cp >> 12));
        buf_addc(&w->form, (char)(0x80 | (cp >> 6 & 0x3f)));
        buf_addc(&w->form, (char)(0x80 | (cp & 0x3f)));
    } else {
        put_var(w, "", 0, true);
    }
}

/* Behind the backslash in $'…' (bash(1) QUOTING). */
static void ansi_escape(struct wb *w)
{
    static const char from[] = "abeEfnrtv\\'\"?", to[] = "\a\b\x1b\x1b\f\n\r\t\v\\'\"?";
    struct shell_ps *ps = w->ps;
    char c = shell_ps_at(ps, 0);
    const char *p = c ? strchr(from, c) : NULL;

    if (p) {
        put_byte(w, (unsigned char)to[p - from]);
        ps->i++;
    } else if (c >= '0' && c <= '7') {
        put_byte(w, number(ps, 8, 3) & 0xff);
    } else if (c == 'x') {
        ps->i++;
        put_byte(w, number(ps, 16, 2));
    } else if (c == 'u' || c == 'U') {
        ps->i++;
        put_utf8(w, number(ps, 16, c == 'u' ? 4 : 8));
    } else if (c == 'c') {
        ps->i += 2;
        put_var(w, "", 0, true);
    } else {
        buf_addc(&w->form, '\\');
    }
}

/* At $' . dash knows no $'…': there an \' ends the quotes, and what follows runs. */
static void ansi_quote(struct wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i;

    for (ps->i += 2; !ps->stop && ps->i < ps->n && ps->s[ps->i] != '\'';) {
        char c = ps->s[ps->i++];
        if (c == '\n' && !word_newline(ps))
            return;
        if (c != '\\') {
            buf_addc(&w->form, c);
            continue;
        }
        if (shell_ps_at(ps, 0) == '\'')
            shell_ps_note(ps, start, ps->i + 1, "an escaped quote in $'…', which sh and bash end at different places");
        if (ps->i < ps->n)
            ansi_escape(w);
    }
    if (!ps->stop && ps->i >= ps->n)
        shell_ps_fail(ps, start, "a $' without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED;
}

/* --- ${…} and $((…)) --- */

/* A ' in "${x…}": bash takes it as a quote or as itself, depending on the operator. Harmless when nothing in it is
 * special. */
static void quote_in_quotes(struct wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t k = ps->i + 1;

    while (k < ps->n && ps->s[k] != '\'' && !strchr("$`\\\"}{", ps->s[k]))
        k++;
    if (k >= ps->n || ps->s[k] != '\'') {
        shell_ps_fail(ps, ps->i, "a single quote inside ${…} inside double quotes");
        return;
    }
    ps->i = k + 1;
}

/* The word behind an operator in ${…}, up to its '}' (not consumed). */
static void param_word(struct wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;

    while (!ps->stop && ps->i < ps->n && ps->s[ps->i] != '}') {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '$') {
            dollar(w, dq);
        } else if (c == '`') {
            backtick(w, dq);
        } else if (c == '"') {
            double_quote(w);
        } else if (c == '\'') {
            if (dq)
                quote_in_quotes(w);
            else
                single_quote(w);
        } else if ((c == '<' || c == '>') && d == '(' && !dq) {
            subst_paren(w, dq);
        } else if (c == '\\' && d) {
            ps->i += 2;
            if (d != '\n')
                buf_addc(&w->form, d);
        } else {
            if (c == '\n' && !word_newline(ps))
                return;
            buf_addc(&w->form, c);
            ps->i++;
        }
    }
}

/* ${name[…]}: only the text's own substitutions matter. */
static void subscript(struct wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;
    int depth = 0;

    while (!ps->stop && ps->i < ps->n && (ps->s[ps->i] != ']' || depth)) {
        char c = ps->s[ps->i];
        depth += (c == '[') - (c == ']');
        if (c == '$')
            dollar(w, true);
        else if (c == '`' || c == '\'' || c == '"' || c == '\\' || c == '\n' || c == '}')
            shell_ps_fail(ps, start, "quotes in an array index");
        else
            ps->i++;
    }
    if (!ps->stop && ps->i >= ps->n)
        shell_ps_fail(ps, start, "an array index without its end");
    ps->i++;
}

/* ${x=word} sets x: the same as an assignment. */
static void param_assign(struct wb *w, size_t start, const char *name, size_t n, const struct buf *form)
{
    struct shell *sh = w->ps->sh;
    struct shell_cmd *c = shell_ps_new_cmd(w->ps, start);
    struct shell_assign *a = shell_alloc(sh, sizeof(*a));

    if (!c || !a)
        return;
    a->name = shell_strn(sh, name, n);
    a->value = shell_word_form(sh, form->p ? form->p : "", form->len);
    c->assigns = a;
    c->nassigns = a->name != NULL;
    c->text = shell_strn(sh, w->ps->s + start, w->ps->i - start);
    c->at = shell_ps_range(w->ps, start, w->ps->i);
    shell_add_cmd(sh, c);
}

/* Behind the name; ends at the '}'. True when the value may be the operand ("default"). */
static void param_op(struct wb *w, size_t start, const char *name, size_t n, bool dq)
{
    struct shell_ps *ps = w->ps;
    struct wb in = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = SHELL_M_PLAIN};
    char op = shell_ps_at(ps, 0), next = shell_ps_at(ps, 1);
    bool colon = op == ':' && next && strchr("-=?+", next);

    if (colon) {
        ps->i++;
        op = next;
    }
    if (!op || !strchr("-=?+:#%/^,@", op)) {
        shell_ps_fail(ps, start, "a ${…} that is not understood");
        return;
    }
    if (op == '@' && next == 'P')
        shell_ps_note(ps, start, ps->i + 2, "${…@P} runs the commands in a variable's value");
    ps->i++;
    param_word(&in, dq);
    w->flags |= in.flags & SHELL_W_SUBST;
    if (!ps->stop && strchr("-=+", op)) {
        char *v = shell_strn(ps->sh, in.form.p ? in.form.p : "", in.form.len);
        if (v && n)
            shell_add_var(ps->sh, shell_strn(ps->sh, name, n), v);
        if (op == '=')
            param_assign(w, start, name, n, &in.form);
    }
    buf_fini(&in.form);
}

/* At "${". */
static void param(struct wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i;
    bool length = false, indirect = false;

    ps->i += 2;
    if (shell_ps_at(ps, 0) == '#' && shell_ps_at(ps, 1) != '}') {
        length = true;
        ps->i++;
    } else if (shell_ps_at(ps, 0) == '!' && shell_ps_at(ps, 1) != '}') {
        indirect = true;
        ps->i++;
    }
    const char *name = ps->s + ps->i;
    size_t n = shell_ps_name(name, ps->n - ps->i);
    while (n == 0 && name + n < ps->s + ps->n && name[n] >= '0' && name[n] <= '9')
        n++;
    if (n == 0 && strchr("@*#?-$!", shell_ps_at(ps, 0)) && shell_ps_at(ps, 0))
        n = 1;
    if (n == 0)
        shell_ps_fail(ps, start, "a ${…} that is not understood");
    ps->i += n;
    bool known = !length && !indirect;
    if (!ps->stop && shell_ps_at(ps, 0) == '[') {
        subscript(w);
        known = false;
    }
    if (!ps->stop && indirect && (shell_ps_at(ps, 0) == '*' || shell_ps_at(ps, 0) == '@') && shell_ps_at(ps, 1) == '}')
        ps->i++;
    if (!ps->stop && shell_ps_at(ps, 0) != '}') {
        char op = shell_ps_at(ps, shell_ps_at(ps, 0) == ':' ? 1 : 0);
        known = known && op && strchr("-=+?", op);
        param_op(w, start, name, known ? n : 0, dq);
    }
    if (!ps->stop && shell_ps_at(ps, 0) != '}')
        shell_ps_fail(ps, start, "a ${ without its end");
    ps->i++;
    bool plain = name + n < ps->s + ps->n && name[n] == '}';
    if (known && !plain && n == 3 && memcmp(name, "PWD", 3) == 0)
        known = false; /* ${PWD:-x} may be x */
    put_var(w, known ? name : "", known ? n : 0, dq);
}

void shell_ps_arith(struct shell_ps *ps)
{
    struct wb w = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX)};
    size_t start = ps->i;
    int depth = 0;

    while (!ps->stop && ps->i < ps->n) {
        char c = ps->s[ps->i];
        if (c == ')' && depth == 0)
            break;
        depth += (c == '(') - (c == ')');
        if (c == '$')
            dollar(&w, true);
        else if (c == '`')
            backtick(&w, true);
        else if (c == '"')
            double_quote(&w);
        else if (c == '\'' || (c == '\\' && shell_ps_at(ps, 1) != '\n') || c == '#' || (c == '\n' && !word_newline(ps)))
            shell_ps_fail(ps, start, "quotes or comments in arithmetic");
        else
            ps->i += c == '\\' ? 2 : 1;
        buf_reset(&w.form);
    }
    if (!ps->stop && (shell_ps_at(ps, 0) != ')' || shell_ps_at(ps, 1) != ')'))
        shell_ps_fail(ps, start, "cannot tell arithmetic from nested subshells");
    ps->i += 2;
    buf_fini(&w.form);
}

static void expansion(struct wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;
    char c = shell_ps_at(ps, 1);
    size_t n = ps->i + 1 < ps->n ? shell_ps_name(ps->s + ps->i + 1, ps->n - ps->i - 1) : 0;

    if (broken_token(ps, 1))
        return;
    if (c == '(' && shell_ps_at(ps, 2) == '(') {
        ps->i += 3;
        shell_ps_arith(ps);
        put_var(w, "", 0, dq);
    } else if (c == '(') {
        if (!broken_token(ps, 2))
            subst_paren(w, dq);
    } else if (c == '{') {
        param(w, dq);
    } else if (c == '[') {
        shell_ps_fail(ps, ps->i, "the old arithmetic $[…]");
    } else if (c == '\'' && !dq) {
        ansi_quote(w);
    } else if (c == '"' && !dq) {
        ps->i++;
        double_quote(w);
    } else if (n) {
        put_var(w, ps->s + ps->i + 1, n, dq);
        ps->i += 1 + n;
        if (dq ? false : broken_token(ps, 0))
            return;
    } else if (c && strchr("@*#?-$!0123456789", c)) {
        put_var(w, ps->s + ps->i + 1, 1, dq);
        ps->i += 2;
    } else {
        buf_addc(&w->form, '$');
        ps->i++;
    }
}

/* At '$'. Every nesting of expansions passes here: the one place that bounds the recursion. */
static void dollar(struct wb *w, bool dq)
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

static void bracket(struct wb *w)
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
        w->flags |= SHELL_W_GLOB;
        put_var(w, "", 0, true);
    } else {
        buf_addc(&w->form, '[');
    }
    ps->i++;
}

/* At '~' where a tilde prefix may stand (POSIX XCU 2.6.1). */
static void tilde(struct wb *w)
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
        put_var(w, "", 0, true);
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
        put_var(w, "", 0, true);
    ps->i = ends ? k : ps->i + 1;
}

static bool tilde_here(const struct wb *w, size_t start)
{
    const struct shell_ps *ps = w->ps;

    if (ps->i == start)
        return true;
    char before = ps->s[ps->i - 1];
    if (w->mode == SHELL_M_ASSIGN)
        return before == ':';
    /* name=~/x as an argument: bash expands it, sh does not; the reading that reaches further counts. {~,x}: braces
     * first. */
    return w->mode == SHELL_M_ARG && (before == '=' || before == '{' || before == ',');
}

static void backslash(struct wb *w)
{
    struct shell_ps *ps = w->ps;

    if (ps->i + 1 >= ps->n) {
        shell_ps_fail(ps, ps->i, "a backslash at the end of the text");
        return;
    }
    if (ps->s[ps->i + 1] == '\n') {
        if (!word_newline(ps))
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

static void unquoted(struct wb *w, size_t start)
{
    struct shell_ps *ps = w->ps;
    char c = ps->s[ps->i];

    switch (c) {
    case '\\':
        backslash(w);
        return;
    case '\'':
        single_quote(w);
        return;
    case '"':
        double_quote(w);
        return;
    case '$':
        dollar(w, false);
        return;
    case '`':
        backtick(w, false);
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
static bool ends_word(const struct wb *w, char c, int parens)
{
    if (w->mode != SHELL_M_REGEX)
        return strchr(" \t\n;&|<>()", c) != NULL;
    if (c == '|' || c == '(' || c == ')')
        return c == ')' && parens == 0;
    return parens == 0 && strchr(" \t\n;&<>", c) != NULL;
}

static void reserved_by_continuation(struct shell_ps *ps, size_t start, const struct buf *form)
{
    static const char *const words[] = {"if",   "then",  "else", "elif",  "fi", "do", "done",     "case",
                                        "esac", "while", "for",  "until", "in", "{",  "function", "select",
                                        "time", "!",     "}",    "[[",    "]]", NULL};

    if (!form->p || !memmem(ps->s + start, ps->i - start, "\\\n", 2))
        return;
    for (size_t i = 0; words[i]; i++) {
        if (str_eq(words[i], form->p))
            shell_ps_fail(ps, start, "a line continuation inside a reserved word");
    }
    size_t n = shell_ps_name(form->p, form->len); /* na\<newline>me=value is an assignment */
    if (n && form->p[n] && strchr("=+[", form->p[n]))
        shell_ps_fail(ps, start, "a line continuation inside the name of a variable");
}

static void word_run(struct wb *w, size_t start)
{
    struct shell_ps *ps = w->ps;
    int parens = 0;

    while (!ps->stop && ps->i < ps->n) {
        char c = ps->s[ps->i];
        if ((c == '<' || c == '>') && shell_ps_at(ps, 1) == '(') {
            subst_paren(w, false);
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

bool shell_ps_word(struct shell_ps *ps, enum shell_word_mode mode, struct shell_word *ret)
{
    struct wb w = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = mode};
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
        if (ok && (strstr(ret->form, "[$(") || strstr(ret->form, "[`")))
            shell_ps_note(ps, start, ps->i, "text that arithmetic or an array index would run as a command");
    }
    buf_fini(&w.form);
    return ok;
}

void shell_ps_heredoc(struct shell_ps *ps, const char *p, size_t n, struct shell_word *ret)
{
    struct shell_ps in = *ps;
    struct wb w = {.ps = &in, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = SHELL_M_PLAIN};
    size_t off = (size_t)(p - ps->s);

    /* p points into the same text, so that ranges stay true. */
    in.i = off;
    in.n = off + n;
    in.npend = in.pend_base = 0;
    quoted_run(&w, '\0');
    ps->stop = in.stop;
    ret->flags = w.flags;
    ret->form = shell_strn(ps->sh, w.form.p ? w.form.p : "", w.form.len);
    buf_fini(&w.form);
    if (ret->form)
        shell_word_finish(ret);
}
