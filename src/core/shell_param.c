/* shell_param - ${…} and $((…)).
 *
 * Why it exists: their words hold quotes and substitutions of their own, which bash and sh end at different places.
 * May include: core/shell_ps.h.  Pure. */
#include <string.h>

#include "core/shell_ps.h"

/* A ' in "${x…}": bash takes it as a quote or as itself, depending on the operator. Harmless when nothing in it is
 * special. */
static void quote_in_quotes(struct shell_wb *w)
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

static bool has_brace(const struct shell_ps *ps, size_t from)
{
    for (size_t k = from; k < ps->i && k < ps->n; k++) {
        if (ps->s[k] == '{' && ps->s[k - 1] != '$')
            return true;
    }
    return false;
}

/* The word behind an operator in ${…}, up to its '}' (not consumed). */
static void param_word(struct shell_wb *w, bool dq)
{
    struct shell_ps *ps = w->ps;

    while (!ps->stop && ps->i < ps->n && ps->s[ps->i] != '}') {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '$') {
            shell_wb_dollar(w, dq);
        } else if (c == '`') {
            shell_wb_backtick(w, dq);
        } else if (c == '"') {
            size_t from = ps->i;
            shell_wb_double_quote(w);
            if (dq && has_brace(ps, from)) /* bash looks for {a,b} before it knows of "${…}" */
                shell_ps_fail(ps, from, "braces in double quotes inside ${…} inside double quotes");
        } else if (c == '\'') {
            if (dq)
                quote_in_quotes(w);
            else
                shell_wb_single_quote(w);
        } else if ((c == '<' || c == '>') && d == '(' && !dq) {
            shell_wb_subst(w, dq);
        } else if (c == '\\' && d) {
            ps->i += 2;
            if (d != '\n')
                buf_addc(&w->form, d);
        } else {
            if (c == '\n' && !shell_ps_word_newline(ps))
                return;
            buf_addc(&w->form, c);
            ps->i++;
        }
    }
}

/* ${name[…]}: only the text's own substitutions matter. */
static void subscript(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;
    int depth = 0;

    while (!ps->stop && ps->i < ps->n && (ps->s[ps->i] != ']' || depth)) {
        char c = ps->s[ps->i];
        depth += (c == '[') - (c == ']');
        if (c == '$')
            shell_wb_dollar(w, true);
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
static void param_assign(struct shell_wb *w, size_t start, const char *name, size_t n, const struct buf *form)
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
static void param_op(struct shell_wb *w, size_t start, const char *name, size_t n, bool dq)
{
    struct shell_ps *ps = w->ps;
    struct shell_wb in = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX), .mode = SHELL_M_PLAIN};
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
    if (op == '@' && !(next && strchr("QEAaUuLKk", next) && shell_ps_at(ps, 2) == '}')) /* @$'P' is @P */
        shell_ps_note(ps, start, ps->i + 2, "${…@P} runs the commands in a variable's value");
    ps->i++;
    param_word(&in, dq);
    w->flags |= in.flags & (SHELL_W_SUBST | SHELL_W_SPLIT); /* "${x+"$@"}" */
    if (!ps->stop && strchr("-=+", op)) {
        char *v = shell_strn(ps->sh, in.form.p ? in.form.p : "", in.form.len);
        if (v && n)
            shell_add_var(ps->sh, shell_strn(ps->sh, name, n), v);
        if (op == '=')
            param_assign(w, start, name, n, &in.form);
    }
    buf_fini(&in.form);
}

void shell_wb_param(struct shell_wb *w, bool dq)
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
    if (ps->i <= ps->n && memchr(name, '@', (size_t)(ps->s + ps->i - name)))
        w->flags |= SHELL_W_SPLIT; /* ${a[@]}, ${@:2}, ${!x@}: perhaps many words, or none */
    if (known && !plain && n == 3 && memcmp(name, "PWD", 3) == 0)
        known = false; /* ${PWD:-x} may be x */
    shell_wb_var(w, known ? name : "", known ? n : 0, dq);
}

/* bash counts the parentheses of $((…)) as characters, but for those in quotes: where that does not come out even,
 * because of a `case` or a quote inside, it runs a substitution that begins with a subshell. */
static bool parens_even(const char *s, size_t n)
{
    int all = 0, bare = 0;
    char quote = '\0';

    if (memmem(s, n, "esac", 4)) /* and some of those that come out even it reads differently all the same */
        return false;
    for (size_t k = 0; k < n; k++) {
        int step = (s[k] == '(') - (s[k] == ')');
        all += step;
        bare += quote ? 0 : step;
        if (all < 0 || bare < 0 || s[k] == '\\')
            return false;
        if (s[k] == '\'' || s[k] == '"')
            quote = quote == s[k] ? '\0' : quote ? quote : s[k];
    }
    return all == 0 && bare == 0 && !quote;
}

void shell_ps_arith(struct shell_ps *ps)
{
    struct shell_wb w = {.ps = ps, .form = BUF_INIT(SHELL_TEXT_MAX)};
    size_t start = ps->i;
    int depth = 0;

    while (!ps->stop && ps->i < ps->n) {
        char c = ps->s[ps->i];
        if (c == ')' && depth == 0)
            break;
        depth += (c == '(') - (c == ')');
        if (c == '$')
            shell_wb_dollar(&w, true);
        else if (c == '`')
            shell_wb_backtick(&w, true);
        else if (c == '"')
            shell_wb_double_quote(&w);
        else if (c == '\'' || (c == '\\' && shell_ps_at(ps, 1) != '\n') || c == '#' ||
                 (c == '\n' && !shell_ps_word_newline(ps)))
            shell_ps_fail(ps, start, "quotes or comments in arithmetic");
        else
            ps->i += c == '\\' ? 2 : 1;
        buf_reset(&w.form);
    }
    bool ends = shell_ps_at(ps, 0) == ')' && shell_ps_at(ps, 1) == ')';
    if (!ps->stop && (!ends || !parens_even(ps->s + start, ps->i - start)))
        shell_ps_fail(ps, start, "cannot tell arithmetic from nested subshells");
    ps->i += 2;
    buf_fini(&w.form);
}
