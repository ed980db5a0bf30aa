/* shell_parse - the grammar: lists, pipelines, compound commands, redirections.
 *
 * Why it exists: finds every simple command and what surrounds it. Recursive
 * descent on the text itself, because what a character means depends on where
 * it stands. No tree is kept: commands go into one flat list.
 *
 *   list     = and_or { (";" | "&" | newline) and_or }
 *   and_or   = pipeline { ("&&" | "||") pipeline }
 *   pipeline = ["!" | "time"] command { ("|" | "|&") command }
 *   command  = simple | compound redirection* | function          (the last two: shell_compound.c)
 *
 * May include: core/shell_ps.h.  Pure. */
#include "core/shell_ps.h"

#include <string.h>

#include "base/str.h"

/* --- places and failures --- */

struct shell_range shell_ps_range(const struct shell_ps *ps, size_t from, size_t to)
{
    if (ps->src->nested)
        return ps->src->outer;
    to = to > ps->n ? ps->n : to;
    from = from > to ? to : from;
    return (struct shell_range){(uint32_t)from, (uint32_t)(to - from)};
}

void shell_ps_note(struct shell_ps *ps, size_t from, size_t to, const char *reason)
{
    to = to > ps->n ? ps->n : to;
    from = from > to ? to : from;
    shell_add_opaque(ps->sh, shell_ps_range(ps, from, to), reason, ps->s + from, to - from, -1);
}

/* Everything from `at` on is opaque. */
void shell_ps_fail(struct shell_ps *ps, size_t at, const char *reason)
{
    if (!ps->stop)
        shell_ps_note(ps, at, ps->n, reason);
    ps->stop = true;
}

bool shell_ps_dead(struct shell_ps *ps)
{
    if (shell_dead(ps->sh))
        ps->stop = true;
    return ps->stop;
}

struct shell_cmd *shell_ps_new_cmd(struct shell_ps *ps, size_t at)
{
    struct shell_cmd *c = shell_alloc(ps->sh, sizeof(*c));

    if (!c)
        return NULL;
    c->at = shell_ps_range(ps, at, at);
    c->ctx = ps->ctx;
    c->scope = ps->scope;
    c->pipe_from = ps->pipe_from;
    c->stdin_text = ps->stdin_text;
    c->func = ps->func;
    c->via = ps->src->via;
    c->how = ps->src->how;
    c->nest = ps->src->nest;
    c->text = "";
    return c;
}

/* --- reserved words (POSIX XCU 2.4) --- */

static const char *const res_name[] = {
    [R_IF] = "if",        [R_THEN] = "then",         [R_ELSE] = "else",     [R_ELIF] = "elif", [R_FI] = "fi",
    [R_DO] = "do",        [R_DONE] = "done",         [R_CASE] = "case",     [R_ESAC] = "esac", [R_WHILE] = "while",
    [R_UNTIL] = "until",  [R_FOR] = "for",           [R_OPEN] = "{",        [R_CLOSE] = "}",   [R_BANG] = "!",
    [R_IN] = "in",        [R_FUNCTION] = "function", [R_SELECT] = "select", [R_TIME] = "time", [R_COND] = "[[",
    [R_COPROC] = "coproc"};

enum shell_res shell_ps_peek(const struct shell_ps *ps)
{
    size_t k = ps->i;

    while (k < ps->n && !strchr(" \t\n;&|<>()", ps->s[k]))
        k++;
    for (int r = R_IF; r <= R_COPROC; r++) {
        if (strlen(res_name[r]) == k - ps->i && memcmp(res_name[r], ps->s + ps->i, k - ps->i) == 0)
            return (enum shell_res)r;
    }
    return R_NONE;
}

bool shell_ps_accept(struct shell_ps *ps, enum shell_res want)
{
    if (ps->stop || shell_ps_peek(ps) != want)
        return false;
    ps->i += strlen(res_name[want]);
    return true;
}

void shell_ps_expect(struct shell_ps *ps, enum shell_res want, size_t start, const char *reason)
{
    if (!ps->stop && !shell_ps_accept(ps, want))
        shell_ps_fail(ps, start, reason);
}

static bool at_terminator(const struct shell_ps *ps)
{
    static const unsigned ends = 1u << R_THEN | 1u << R_ELSE | 1u << R_ELIF | 1u << R_FI | 1u << R_DO | 1u << R_DONE |
                                 1u << R_ESAC | 1u << R_CLOSE;
    char c = shell_ps_at(ps, 0), d = shell_ps_at(ps, 1);

    return ps->i >= ps->n || c == ')' || (c == ';' && (d == ';' || d == '&')) || (ends >> shell_ps_peek(ps) & 1);
}

void shell_ps_finish_cmd(struct shell_ps *ps, struct shell_cmd *c, size_t start, size_t first)
{
    size_t end = ps->i < ps->n ? ps->i : ps->n;

    while (end > start && strchr(" \t\n", ps->s[end - 1]))
        end--;
    c->text = shell_strn(ps->sh, ps->s + start, end - start);
    if (!c->text)
        c->text = "";
    c->at = shell_ps_range(ps, start, end);
    if (shell_add_cmd(ps->sh, c) < 0)
        return;
    for (size_t i = c->nredirs; i-- > 0;) /* the last one counts */
        shell_ps_feed(ps, c->nwords ? ps->sh->ncmds - 1 : first, &c->redirs[i]);
}

/* --- simple commands --- */

/* Length of `name=`, `name+=`, `name[i]=` at the cursor; 0 when there is none. */
static size_t assign_prefix(const struct shell_ps *ps, size_t *ret_name)
{
    size_t k = shell_ps_name(ps->s + ps->i, ps->n - ps->i);

    *ret_name = k;
    if (k == 0)
        return 0;
    if (shell_ps_at(ps, k) == '[') {
        size_t j = k + 1;
        while (shell_ps_at(ps, j) && shell_ps_at(ps, j) != ']' && !strchr(" \t\n'\"\\`(){}<>;&|", shell_ps_at(ps, j)))
            j++;
        if (shell_ps_at(ps, j) != ']')
            return 0;
        k = j + 1;
    }
    if (shell_ps_at(ps, k) == '+' && shell_ps_at(ps, k + 1) == '=')
        return k + 2;
    return shell_ps_at(ps, k) == '=' ? k + 1 : 0;
}

/* `[` at the k-th byte where an assignment may stand: bash reads on to its ']' over blanks and comments, sh does not.
 * True unless it is a plain index with its '='. */
static bool odd_index(const struct shell_ps *ps, size_t k)
{
    if (shell_ps_at(ps, k) != '[')
        return false;
    size_t j = k + 1;
    while (shell_ps_at(ps, j) && shell_ps_at(ps, j) != ']' && !strchr(" \t\n'\"\\`(){}<>;&|[#", shell_ps_at(ps, j)))
        j++;
    if (shell_ps_at(ps, j) != ']')
        return true;
    j += shell_ps_at(ps, j + 1) == '+' ? 1 : 0;
    return shell_ps_at(ps, j + 1) != '=';
}

/* Behind `name=(`; to behind the ')'. */
static void array_words(struct shell_ps *ps, size_t start)
{
    struct shell_word w;

    for (;;) {
        shell_ps_lines(ps);
        if (shell_ps_dead(ps) || shell_ps_at(ps, 0) == ')')
            break;
        if (odd_index(ps, 0) || !shell_ps_word(ps, SHELL_M_ARG, &w)) {
            shell_ps_fail(ps, start, "an array that is not understood");
            return;
        }
    }
    ps->i++;
    if (!ps->stop && ps->i < ps->n && !strchr(" \t\n;&|<>()", ps->s[ps->i])) /* bash: still the same word */
        shell_ps_fail(ps, start, "text behind an array, in the same word");
}

/* At an assignment of which `n` bytes are name and operator. */
static bool assign(struct shell_ps *ps, size_t n, size_t name, struct shell_assign *ret)
{
    size_t start = ps->i;
    bool whole = ps->s[ps->i + name] != '[';

    ret->name = shell_strn(ps->sh, ps->s + ps->i, name);
    ret->append = ps->s[ps->i + n - 2] == '+';
    ps->i += n;
    ret->value = shell_word_lit(ps->sh, "");
    if (shell_ps_at(ps, 0) == '(') {
        ret->array = true;
        ps->i++;
        array_words(ps, start);
        ret->value = shell_word_form(ps->sh, "\x01\x01", 2);
    } else if (ps->i < ps->n && !strchr(" \t\n;&|<>()", ps->s[ps->i])) {
        if (!shell_ps_word(ps, SHELL_M_ASSIGN, &ret->value))
            return false;
    } else if (ps->i + 1 < ps->n && strchr("<>", ps->s[ps->i]) && ps->s[ps->i + 1] == '(') {
        if (!shell_ps_word(ps, SHELL_M_ASSIGN, &ret->value))
            return false;
    }
    bool path = !ret->value.value || strchr(ret->value.value, '/') || memchr(ps->s + start, '/', n); /* a[b/c]=d */
    if (!ps->stop && (ret->append || !whole) && !ret->array && path)
        shell_ps_note(ps, start, ps->i, "an assignment with += or an index, which sh takes for the name of a program");
    if (ret->name && whole && !ret->append && !ret->array)
        shell_add_var(ps->sh, ret->name, ret->value.form);
    return ret->name != NULL && !ps->stop;
}

static bool is_declaration(const struct shell_cmd *c)
{
    static const char *const names[] = {"export", "declare", "typeset", "local", "readonly"};
    const char *v = c->nwords ? c->words[0].value : NULL;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(v, names[i]))
            return true;
    }
    return false;
}

static void function_paren(struct shell_ps *ps, const struct shell_cmd *c, size_t start)
{
    const struct shell_word *w = &c->words[0];

    if (c->nwords != 1 || c->nassigns || c->nredirs || !w->value || (w->flags & SHELL_W_QUOTED)) {
        shell_ps_fail(ps, start, "a '(' that is not understood");
        return;
    }
    ps->i++;
    shell_ps_blank(ps);
    if (shell_ps_at(ps, 0) != ')') {
        shell_ps_fail(ps, start, "a '(' that is not understood");
        return;
    }
    ps->i++;
    shell_ps_function(ps, w->value, false, start);
}

struct growing {
    size_t words, assigns, redirs;
};

/* One word or assignment of a simple command. */
static bool simple_word(struct shell_ps *ps, struct shell_cmd *c, struct growing *cap)
{
    size_t name, n = assign_prefix(ps, &name), start = ps->i;
    bool declares = is_declaration(c);
    struct shell_word w;

    if (n && (c->nwords == 0 || declares)) {
        struct shell_assign *a = shell_push(ps->sh, &c->assigns, &c->nassigns, &cap->assigns, sizeof(*a));
        if (!a || !assign(ps, n, name, a)) {
            c->nassigns -= a != NULL;
            return false;
        }
        a->exported = declares;
        return true;
    }
    const char *prog = c->nwords ? c->words[0].value : NULL;
    bool reads_index = declares || str_eq(prog, "alias") || str_eq(prog, "eval") || str_eq(prog, "let");
    if (name && (c->nwords == 0 || reads_index) && odd_index(ps, name)) {
        shell_ps_fail(ps, start, "an array index that is not understood");
        return false;
    }
    if (!c->nwords && c->nredirs &&
        shell_ps_peek(ps) != R_NONE) { /* a name in `<f ! x`, a reserved word in `(<f ! x)` */
        shell_ps_fail(ps, start, "a reserved word behind a redirection");
        return false;
    }
    if (!shell_ps_word(ps, SHELL_M_ARG, &w))
        return false;
    if (!shell_brace_expand(ps->sh, &w, &c->words, &c->nwords, &cap->words)) {
        shell_ps_fail(ps, start, "a brace expansion that is not understood, or into too many words");
        return false;
    }
    return true;
}

/* sh reads `a &>f b` as `a &` and then `>f b`: two commands. */
static bool both_then_words(struct shell_ps *ps, const struct shell_cmd *c)
{
    for (size_t i = 0; i < c->nredirs; i++) {
        if (c->redirs[i].op == SHELL_R_BOTH || c->redirs[i].op == SHELL_R_BOTHAPP)
            return true;
    }
    return false;
}

/* `exec <f`: a shell that reads its commands from stdin reads them from f. */
static bool moves_stdin(const struct shell_cmd *c)
{
    if (!c->nwords || !str_eq(c->words[c->nwords - 1].value, "exec"))
        return false;
    for (size_t i = 0; i < c->nredirs; i++) {
        const struct shell_redir *r = &c->redirs[i];
        bool in = r->op == SHELL_R_IN || r->op == SHELL_R_RW || r->op == SHELL_R_DUPIN || r->op == SHELL_R_HEREDOC ||
                  r->op == SHELL_R_HERESTR;
        if (in && r->fd <= 0 && !str_eq(r->target->value, "/dev/null"))
            return true;
    }
    return false;
}

static void simple(struct shell_ps *ps, int *ret_simple)
{
    size_t start = ps->i, fd_len, first = ps->sh->ncmds;
    struct growing cap = {0};
    struct shell_cmd *c = shell_ps_new_cmd(ps, start);

    while (c && !shell_ps_dead(ps)) {
        shell_ps_blank(ps);
        char ch = shell_ps_at(ps, 0);
        if (shell_ps_redir_at(ps, &fd_len)) {
            struct shell_redir *r = shell_push(ps->sh, &c->redirs, &c->nredirs, &cap.redirs, sizeof(*r));
            if (r && !shell_ps_redir(ps, r))
                c->nredirs--;
            continue;
        }
        if (ch == '(' && c->nwords) {
            function_paren(ps, c, start);
            *ret_simple = -1;
            return;
        }
        bool process = (ch == '<' || ch == '>') && shell_ps_at(ps, 1) == '(';
        if (ps->i >= ps->n || ch == '#' || (strchr("\n;&|()<>", ch) && !process))
            break;
        if (both_then_words(ps, c))
            shell_ps_note(ps, start, ps->i, "words behind &>, which sh would run as a command of their own");
        if (!simple_word(ps, c, &cap))
            break;
    }
    if (!c || (ps->stop && !c->nwords))
        return;
    if (!c->nwords && !c->nassigns && !c->nredirs) {
        shell_ps_fail(ps, start, "a command was expected here");
        return;
    }
    if (c->nwords && strchr(c->words[0].text, '~') && str_starts(c->words[0].form, "/home/"))
        shell_ps_note(ps, start, ps->i, "a program named ~user, which stays as it is where there is no such user");
    if (moves_stdin(c))
        shell_ps_note(ps, start, ps->i, "exec moves the input, from which a shell may read its commands");
    /* Cut off by what is not understood: what was read is still judged, and the rest is opaque. */
    shell_ps_finish_cmd(ps, c, start, first);
    *ret_simple = (int)ps->sh->ncmds - 1;
}

void shell_ps_command(struct shell_ps *ps, int *ret_simple)
{
    *ret_simple = -1;
    if (++ps->depth > SHELL_PS_DEPTH)
        shell_ps_fail(ps, ps->i, "nested too deeply");
    if (!shell_ps_dead(ps) && !shell_ps_compound(ps))
        simple(ps, ret_simple);
    ps->depth--;
}

/* --- pipelines and lists --- */

/* `!` and `time [-p]`. True when there was one and no command follows. */
static bool pipeline_prefix(struct shell_ps *ps)
{
    bool any = false;

    for (;;) {
        shell_ps_blank(ps);
        size_t mark = ps->i;
        if (shell_ps_accept(ps, R_BANG)) {
            ps->cond_runs = any = true;
            continue;
        }
        if (!shell_ps_accept(ps, R_TIME))
            break;
        shell_ps_blank(ps);
        bool dash = shell_ps_at(ps, 0) == '-';
        bool portable = dash && shell_ps_at(ps, 1) == 'p' && (shell_ps_at(ps, 2) == ' ' || shell_ps_at(ps, 2) == '\t');
        if (dash && !portable) {
            shell_ps_note(ps, mark, ps->i, "an option of time, which bash takes for the program");
            ps->i = mark; /* sh: the program of that name */
            return false;
        }
        ps->i += portable ? 2 : 0;
        any = true;
        shell_ps_blank(ps);
        size_t name;
        char first = shell_ps_at(ps, 0);
        bool plain = shell_ps_name(&first, 1) || (first && strchr("./\n;&|)#", first)) || ps->i >= ps->n;
        if (!plain || shell_ps_peek(ps) != R_NONE || assign_prefix(ps, &name)) /* time '-o' x y: options, for sh */
            shell_ps_note(ps, mark, ps->i,
                          "time before what is no simple command: sh looks for a program of that name");
    }
    char c = shell_ps_at(ps, 0);
    return any && (c == '\0' || c == '\n' || c == ';' || c == ')' || c == '#');
}

/* The first stage turned out to be one of several: it has a scope of its own. */
static void move_stage(struct shell_ps *ps, size_t first, size_t first_scope)
{
    int scope = shell_add_scope(ps->sh, ps->scope);

    for (size_t i = first; i < ps->sh->ncmds; i++) {
        ps->sh->cmds[i]->ctx |= SHELL_C_PIPE;
        if (ps->sh->cmds[i]->scope == ps->scope)
            ps->sh->cmds[i]->scope = scope;
    }
    for (size_t s = first_scope; s < ps->sh->nscopes; s++) {
        if (ps->sh->scopes[s] == ps->scope && (int)s != scope)
            ps->sh->scopes[s] = scope;
    }
}

static bool at_pipe(struct shell_ps *ps)
{
    shell_ps_blank(ps);
    return !ps->stop && shell_ps_at(ps, 0) == '|' && shell_ps_at(ps, 1) != '|';
}

static void pipeline(struct shell_ps *ps)
{
    size_t first = ps->sh->ncmds, first_scope = ps->sh->nscopes;
    unsigned ctx = ps->ctx;
    int scope = ps->scope, from = ps->pipe_from, simple_at;
    const struct shell_word *in = ps->stdin_text;

    if (pipeline_prefix(ps))
        return;
    shell_ps_command(ps, &simple_at);
    if (at_pipe(ps))
        move_stage(ps, first, first_scope);
    while (at_pipe(ps)) {
        bool both = shell_ps_at(ps, 1) == '&'; /* what it complains about goes in, too */
        ps->i += both ? 2 : 1;
        if (shell_ps_at(ps, 0) == '\\' && shell_ps_at(ps, 1) == '\n' && strchr("|&", shell_ps_at(ps, 2)) &&
            shell_ps_at(ps, 2)) {
            shell_ps_fail(ps, ps->i, "a line continuation inside an operator");
            break;
        }
        shell_ps_lines(ps);
        ps->ctx = ctx | SHELL_C_PIPE | SHELL_C_PIPE_IN;
        ps->scope = shell_add_scope(ps->sh, scope);
        ps->pipe_from = both ? -1 : simple_at;
        ps->stdin_text = NULL;
        shell_ps_command(ps, &simple_at);
    }
    ps->ctx = ctx;
    ps->scope = scope;
    ps->pipe_from = from;
    ps->stdin_text = in;
}

static void and_or(struct shell_ps *ps)
{
    unsigned ctx = ps->ctx;
    bool cond_runs = ps->cond_runs;

    ps->cond_runs = false;
    for (;;) {
        pipeline(ps);
        shell_ps_blank(ps);
        char c = shell_ps_at(ps, 0), d = shell_ps_at(ps, 1);
        if (shell_ps_dead(ps) || !((c == '&' && d == '&') || (c == '|' && d == '|')))
            break;
        ps->i += 2;
        ps->ctx |= SHELL_C_MAYBE;
        ps->cond_runs = c == '|';
        shell_ps_lines(ps);
    }
    ps->ctx = ctx;
    ps->cond_runs = cond_runs;
}

void shell_ps_list(struct shell_ps *ps)
{
    if (++ps->depth > SHELL_PS_DEPTH)
        shell_ps_fail(ps, ps->i, "nested too deeply");
    while (!shell_ps_dead(ps)) {
        shell_ps_lines(ps);
        if (shell_ps_dead(ps) || at_terminator(ps))
            break;
        size_t first = ps->sh->ncmds, before = ps->i;
        and_or(ps);
        shell_ps_blank(ps);
        char c = shell_ps_at(ps, 0), d = shell_ps_at(ps, 1);
        if (shell_ps_dead(ps))
            break;
        if (c == '&' || (c == ';' && d != ';' && d != '&')) {
            for (size_t i = first; c == '&' && i < ps->sh->ncmds; i++)
                ps->sh->cmds[i]->ctx |= SHELL_C_BACKGROUND;
            ps->i++;
            if (shell_ps_at(ps, 0) == '\\' && shell_ps_at(ps, 1) == '\n' && strchr("&;", shell_ps_at(ps, 2)) &&
                shell_ps_at(ps, 2))
                shell_ps_fail(ps, before, "a line continuation inside an operator");
        } else if (c != '\n' && c != '#') {
            break;
        }
        if (ps->i == before) {
            shell_ps_fail(ps, before, "a command was expected here");
            break;
        }
    }
    ps->depth--;
}

/* --- entry --- */

void shell_parse_source(struct shell *sh, const struct shell_source *src)
{
    struct shell_ps ps = {.sh = sh,
                          .src = src,
                          .s = src->s,
                          .n = src->n,
                          .depth = src->depth,
                          .ctx = src->ctx,
                          .scope = src->scope,
                          .pipe_from = src->pipe_from,
                          .stdin_text = src->stdin_text,
                          .func = src->func};

    if (src->nested) {
        sh->priv->again += src->n;
        if (sh->priv->again > SHELL_AGAIN_MAX) {
            sh->priv->full = true;
            return;
        }
    }
    shell_ps_list(&ps);
    if (!ps.stop && ps.i < ps.n)
        shell_ps_fail(&ps, ps.i, "a token that is not understood here");
    if (!ps.stop && ps.npend > 0)
        shell_ps_fail(&ps, ps.n, "a here-document without its end");
}

void shell_parse_inner(struct shell *sh, int via, const char *how, const char *text, size_t n, bool new_scope)
{
    const struct shell_cmd *c = sh->cmds[via];
    struct shell_source src = {.n = n, .nested = true, .outer = c->at, .scope = c->scope, .via = via, .how = how};

    if (c->nest >= SHELL_NEST_MAX) {
        shell_add_opaque(sh, c->at, "texts nested in texts too deeply", c->text, strlen(c->text), via);
        return;
    }
    src.s = shell_strn(sh, text, n);
    if (!src.s)
        return;
    src.nest = c->nest + 1;
    src.ctx = c->ctx & ~(unsigned)SHELL_C_STDIN; /* a redirection inside comes after */
    src.pipe_from = c->pipe_from;
    src.stdin_text = c->stdin_text;
    src.func = c->func;
    if (new_scope)
        src.scope = shell_add_scope(sh, c->scope);
    shell_parse_source(sh, &src);
}
