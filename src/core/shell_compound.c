/* shell_compound - if, loops, case, [[ ]], (( )), ( ), { } and functions.
 *
 * Why it exists: see shell_parse.c. What bash computes or tests, sh may run: such pieces are opaque unless both run
 * nothing.
 * May include: core/shell_ps.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_ps.h"

/* Behind a compound command whose own commands are cmds[first..]. */
static void redirs_after(struct shell_ps *ps, size_t first)
{
    struct shell_cmd *c = NULL;
    size_t cap = 0, fd_len, start = ps->i;

    while (!shell_ps_dead(ps)) {
        shell_ps_blank(ps);
        if (!shell_ps_redir_at(ps, &fd_len))
            break;
        if (!c) {
            start = ps->i;
            c = shell_ps_new_cmd(ps, start);
        }
        struct shell_redir *r = c ? shell_push(ps->sh, &c->redirs, &c->nredirs, &cap, sizeof(*r)) : NULL;
        if (!r)
            break;
        if (!shell_ps_redir(ps, r)) {
            c->nredirs--;
            break;
        }
    }
    if (c && c->nredirs)
        shell_ps_finish_cmd(ps, c, start, first);
}

/* `name ( )` was read up to the '('. */
void shell_ps_function(struct shell_ps *ps, const char *name, bool keyword, size_t start)
{
    const char *outer = ps->func;
    unsigned ctx = ps->ctx;
    int simple;

    struct shell_func *f = shell_push(ps->sh, &ps->sh->funcs, &ps->sh->nfuncs, &ps->sh->priv->cap_funcs, sizeof(*f));
    if (!f)
        return;
    *f =
        (struct shell_func){name, shell_ps_range(ps, start, ps->i), ps->ctx == 0 && ps->scope == 0 && !ps->src->nested};
    ps->func = name;
    ps->cond_runs = true; /* a definition succeeds */
    ps->ctx = SHELL_C_FUNC | (ctx & SHELL_C_SUBST);
    shell_ps_lines(ps);
    enum shell_res r = shell_ps_peek(ps);
    bool begins = shell_ps_at(ps, 0) == '(' || r == R_OPEN || r == R_IF || r == R_WHILE || r == R_UNTIL || r == R_FOR ||
                  r == R_CASE || r == R_SELECT || r == R_COND;
    if (!begins && (keyword || r != R_NONE)) /* sh has no `function`: there the body is a command of its own */
        shell_ps_fail(ps, start, "a function that is not understood");
    else
        shell_ps_command(ps, &simple);
    ps->func = outer;
    ps->ctx = ctx;
}

/* Cursor behind the opening token. */
static void body(struct shell_ps *ps, enum shell_res end, unsigned ctx, size_t start, const char *reason)
{
    unsigned was = ps->ctx;

    ps->ctx |= ctx;
    shell_ps_list(ps);
    ps->ctx = was;
    shell_ps_expect(ps, end, start, reason);
}

static void subshell(struct shell_ps *ps)
{
    size_t start = ps->i++;
    int scope = ps->scope;
    unsigned ctx = ps->ctx;

    ps->scope = shell_add_scope(ps->sh, scope);
    ps->ctx |= SHELL_C_SUBSHELL;
    shell_ps_list(ps);
    ps->scope = scope;
    ps->ctx = ctx;
    if (!ps->stop && shell_ps_at(ps, 0) != ')')
        shell_ps_fail(ps, start, "a ( without its end");
    ps->i++;
}

/* bash computes ((…)); sh runs it as a subshell in a subshell. Only texts that run no program either way pass. */
static void arith_command(struct shell_ps *ps)
{
    size_t start = ps->i;

    ps->i += 2;
    shell_ps_arith(ps);
    if (ps->stop)
        return;
    const char *p = ps->s + start + 2;
    size_t n = ps->i - start - 4, name = shell_ps_name(p, n);
    bool safe = name > 0 && name < n && strchr("+-%=!,^", p[name]);
    for (size_t k = 0; k < n; k++)
        safe = safe && !strchr(" \t\n<>&|;$`\"/*?[", p[k]);
    if (!safe)
        shell_ps_note(ps, start, ps->i, "((…)), which bash computes and sh runs as commands");
}

static void if_clause(struct shell_ps *ps, size_t start)
{
    static const char why[] = "an if without its end";

    body(ps, R_THEN, SHELL_C_COND, start, why);
    for (;;) {
        unsigned was = ps->ctx;
        ps->ctx |= SHELL_C_COND;
        shell_ps_list(ps);
        ps->ctx = was;
        if (ps->stop || !shell_ps_accept(ps, R_ELIF))
            break;
        body(ps, R_THEN, SHELL_C_COND, start, why);
    }
    if (shell_ps_accept(ps, R_ELSE))
        body(ps, R_FI, SHELL_C_COND, start, why);
    else
        shell_ps_expect(ps, R_FI, start, why);
}

/* The words of `for x in …`: values x may take. */
static void for_words(struct shell_ps *ps, const char *name, size_t start)
{
    struct shell_word w, *all = NULL;
    size_t n = 0, cap = 0;

    for (;;) {
        shell_ps_blank(ps);
        if (shell_ps_dead(ps) || ps->i >= ps->n || strchr("\n;#", ps->s[ps->i]))
            break;
        if (!shell_ps_word(ps, SHELL_M_ARG, &w) || !shell_brace_expand(ps->sh, &w, &all, &n, &cap)) {
            shell_ps_fail(ps, start, "a for loop that is not understood");
            return;
        }
    }
    for (size_t i = 0; i < n && i < 32; i++)
        shell_add_var(ps->sh, name, all[i].form);
}

static void for_clause(struct shell_ps *ps, size_t start)
{
    static const char why[] = "a for loop that is not understood";

    shell_ps_blank(ps);
    if (shell_ps_at(ps, 0) == '(' && shell_ps_at(ps, 1) == '(') {
        ps->i += 2;
        shell_ps_arith(ps);
    } else {
        size_t k = shell_ps_name(ps->s + ps->i, ps->n - ps->i);
        char *name = k ? shell_strn(ps->sh, ps->s + ps->i, k) : NULL;
        if (!name) {
            shell_ps_fail(ps, start, why);
            return;
        }
        ps->i += k;
        struct shell_cmd *c = shell_ps_new_cmd(ps, start);
        struct shell_assign *a = shell_alloc(ps->sh, sizeof(*a));
        if (c && a) { /* the variable may be one that matters */
            *a = (struct shell_assign){.name = name, .value = shell_word_form(ps->sh, "\x01\x01", 2)};
            c->assigns = a;
            c->nassigns = 1;
            shell_ps_finish_cmd(ps, c, start, ps->sh->ncmds);
        }
        shell_ps_lines(ps);
        if (shell_ps_accept(ps, R_IN))
            for_words(ps, name, start);
    }
    shell_ps_blank(ps);
    if (shell_ps_at(ps, 0) == ';')
        ps->i++;
    shell_ps_lines(ps);
    shell_ps_expect(ps, R_DO, start, why);
    if (!ps->stop)
        body(ps, R_DONE, SHELL_C_LOOP, start, "a loop without its end");
}

/* One `pattern | pattern ) list ;;`. False at the end of the clause. */
static bool case_item(struct shell_ps *ps, size_t start)
{
    static const char why[] = "a case that is not understood";
    struct shell_word w;

    shell_ps_lines(ps);
    if (shell_ps_dead(ps) || shell_ps_peek(ps) == R_ESAC)
        return false;
    if (shell_ps_at(ps, 0) == '(')
        ps->i++;
    for (;;) {
        shell_ps_blank(ps);
        if (!shell_ps_word(ps, SHELL_M_PLAIN, &w)) {
            shell_ps_fail(ps, start, why);
            return false;
        }
        shell_ps_blank(ps);
        if (shell_ps_at(ps, 0) != '|')
            break;
        ps->i++;
    }
    if (shell_ps_at(ps, 0) != ')') {
        shell_ps_fail(ps, start, why);
        return false;
    }
    ps->i++;
    unsigned was = ps->ctx;
    ps->ctx |= SHELL_C_COND;
    shell_ps_list(ps);
    ps->ctx = was;
    if (ps->stop || shell_ps_at(ps, 0) != ';')
        return false;
    ps->i += shell_ps_at(ps, 1) == ';' && shell_ps_at(ps, 2) == '&' ? 3 : 2;
    return true;
}

static void case_clause(struct shell_ps *ps, size_t start)
{
    struct shell_word w;

    shell_ps_blank(ps);
    if (!shell_ps_word(ps, SHELL_M_PLAIN, &w))
        shell_ps_fail(ps, start, "a case that is not understood");
    shell_ps_lines(ps);
    shell_ps_expect(ps, R_IN, start, "a case that is not understood");
    while (!ps->stop && case_item(ps, start))
        ;
    shell_ps_expect(ps, R_ESAC, start, "a case without its end");
}

/* Behind "[[". What bash tests, sh runs as a command named [[ : behind || it would go on. */
static void cond_clause(struct shell_ps *ps, size_t start)
{
    bool regex = false;
    struct shell_word w;

    for (;;) {
        shell_ps_blank(ps);
        if (shell_ps_at(ps, 0) == '\n' || shell_ps_at(ps, 0) == '#')
            shell_ps_note(ps, start, ps->i, "a line break inside [[ ]], where the command ends for sh");
        shell_ps_lines(ps);
        char c = shell_ps_at(ps, 0), d = shell_ps_at(ps, 1);
        if (shell_ps_dead(ps) || ps->i >= ps->n)
            break;
        if (!regex && c == ']' && d == ']' && (ps->i + 2 >= ps->n || strchr(" \t\n;&|<>()", ps->s[ps->i + 2]))) {
            ps->i += 2;
            return;
        }
        if (!regex && ((c == '&' && d == '&') || (c == '|' && d == '|'))) {
            ps->i += 2;
            shell_ps_lines(ps);
            if ((c == '|' || ps->cond_runs) && shell_ps_at(ps, 0) != '-')
                shell_ps_note(ps, start, ps->i,
                              c == '|' ? "|| inside [[ ]], behind which sh would run a command"
                                       : "&& inside [[ ]], behind which sh would run a command");
        } else if (!regex && (c == '(' || c == ')' || (c == '<' && d != '('))) {
            ps->i++;
        } else if (!regex && c == '>' && d != '(') {
            shell_ps_note(ps, start, ps->i, "> inside [[ ]], which sh takes for a redirection");
            ps->i++;
        } else {
            if (!shell_ps_word(ps, regex ? SHELL_M_REGEX : SHELL_M_PLAIN, &w))
                break;
            regex = str_eq(w.value, "=~") && !(w.flags & SHELL_W_QUOTED);
        }
    }
    shell_ps_fail(ps, start, "a [[ ]] that is not understood");
}

static void function_word(struct shell_ps *ps, size_t start)
{
    struct shell_word w;

    shell_ps_blank(ps);
    if (!shell_ps_word(ps, SHELL_M_PLAIN, &w) || !w.value || (w.flags & SHELL_W_QUOTED)) {
        shell_ps_fail(ps, start, "a function that is not understood");
        return;
    }
    shell_ps_blank(ps);
    if (shell_ps_at(ps, 0) == '(' && shell_ps_at(ps, 1) == ')')
        ps->i += 2;
    shell_ps_function(ps, w.value, true, start);
}

bool shell_ps_compound(struct shell_ps *ps)
{
    size_t start = ps->i, first = ps->sh->ncmds;
    enum shell_res r = shell_ps_peek(ps);

    if (shell_ps_at(ps, 0) == '(') {
        if (shell_ps_at(ps, 1) == '(')
            arith_command(ps);
        else
            subshell(ps);
        redirs_after(ps, first);
        return true;
    }
    if (r != R_IF && r != R_WHILE && r != R_UNTIL && r != R_FOR && r != R_SELECT && r != R_CASE && r != R_OPEN &&
        r != R_COND && r != R_FUNCTION && r != R_COPROC)
        return false;
    (void)shell_ps_accept(ps, r);
    if (r == R_IF)
        if_clause(ps, start);
    else if (r == R_WHILE || r == R_UNTIL) {
        body(ps, R_DO, SHELL_C_LOOP, start, "a loop without its end");
        if (!ps->stop)
            body(ps, R_DONE, SHELL_C_LOOP, start, "a loop without its end");
    } else if (r == R_FOR || r == R_SELECT)
        for_clause(ps, start);
    else if (r == R_CASE)
        case_clause(ps, start);
    else if (r == R_OPEN)
        body(ps, R_CLOSE, 0, start, "a { without its end");
    else if (r == R_COND)
        cond_clause(ps, start);
    else if (r == R_FUNCTION)
        function_word(ps, start);
    else
        shell_ps_fail(ps, start, "coproc is not understood");
    redirs_after(ps, first);
    return true;
}
