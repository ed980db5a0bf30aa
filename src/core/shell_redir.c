/* shell_redir - what stands between and behind the words: blanks, comments, here-documents, redirections.
 *
 * A here-document's text begins at the next newline token, after everything
 * else on its line; until then it waits in ps->pend.
 * May include: core/shell_ps.h.  Pure. */
#include "core/shell_ps.h"

#include <string.h>

#include "base/str.h"

/* --- between the tokens --- */

void shell_ps_blank(struct shell_ps *ps)
{
    for (; ps->i < ps->n; ps->i++) {
        char c = ps->s[ps->i];
        if (c == '\\' && shell_ps_at(ps, 1) == '\n')
            ps->i++;
        else if (c != ' ' && c != '\t')
            break;
    }
}

static const char *line_end(const struct shell_ps *ps, const char *p)
{
    const char *nl = memchr(p, '\n', ps->n - (size_t)(p - ps->s));

    return nl ? nl : ps->s + ps->n;
}

/* The end of a line of the document. Where the text is expanded, a backslash before the newline joins the next line
 * before it is compared with the delimiter, in bash and in dash (POSIX 2.7.4 does not say). */
static const char *body_line_end(const struct shell_ps *ps, const char *p, bool expanded)
{
    for (;;) {
        const char *eol = line_end(ps, p), *b = eol;

        while (b > p && b[-1] == '\\')
            b--;
        if (!expanded || (eol - b) % 2 == 0 || eol == ps->s + ps->n)
            return eol;
        p = eol + 1;
    }
}

/* Cursor at the first line of the document; to behind its last. */
static void heredoc_body(struct shell_ps *ps, struct shell_heredoc *h)
{
    AUTO(buf_fini) struct buf stripped = BUF_INIT(SHELL_TEXT_MAX);
    size_t start = ps->i, n = strlen(h->delim);
    const char *p = ps->s + ps->i, *end = ps->s + ps->n;

    for (;;) {
        const char *line = p, *eol;
        if (p >= end) {
            shell_ps_fail(ps, start, "a here-document without its end");
            return;
        }
        eol = body_line_end(ps, p, !h->quoted);
        while (h->strip && line < eol && *line == '\t')
            line++;
        if ((size_t)(eol - line) == n && memcmp(line, h->delim, n) == 0) {
            ps->i = (size_t)(eol - ps->s); /* the newline itself is the caller's */
            break;
        }
        /* bash takes "EOF)" inside $( ) for the end with a warning; sh does not. */
        if (n && (size_t)(eol - line) > n && memcmp(line, h->delim, n) == 0 && line[n] == ')' && ps->pend_base > 0)
            shell_ps_note(ps, start, (size_t)(eol - ps->s), "a here-document whose end is not clear");
        buf_add(&stripped, line, (size_t)(eol - line));
        buf_addc(&stripped, '\n');
        p = eol + 1;
    }
    size_t len = (size_t)(p - ps->s) - start;
    h->body->text = shell_strn(ps->sh, ps->s + start, len);
    if (!h->quoted) {
        if (h->strip && memmem(ps->s + start, len, "\n\t", 2)) /* the tabs inside of quotes and substitutions go, too */
            shell_ps_note(ps, start, start + len, "a here-document of <<- with tabs that are taken off");
        shell_ps_heredoc(ps, ps->s + start, len, h->body);
    } else
        h->body->form = shell_strn(ps->sh, stripped.p ? stripped.p : "", stripped.len);
    if (!h->body->form || !h->body->text) {
        h->body->form = h->body->text = "";
        return;
    }
    shell_word_finish(h->body);
}

/* At a newline. */
static void newline(struct shell_ps *ps)
{
    if (ps->pend_base > 0) {
        shell_ps_fail(ps, ps->i, "a line break in a substitution, between a here-document and its text");
        return;
    }
    ps->i++;
    for (int k = 0; k < ps->npend && !ps->stop; k++) {
        heredoc_body(ps, &ps->pend[k]);
        if (ps->i < ps->n)
            ps->i++;
    }
    ps->npend = 0;
}

static void comment(struct shell_ps *ps)
{
    if (shell_ps_at(ps, 0) == '#')
        ps->i = (size_t)(line_end(ps, ps->s + ps->i) - ps->s);
}

void shell_ps_lines(struct shell_ps *ps)
{
    for (;;) {
        shell_ps_blank(ps);
        comment(ps);
        if (ps->stop || shell_ps_at(ps, 0) != '\n')
            return;
        newline(ps);
    }
}

/* --- redirections --- */

/* Length of the operator at s with what stands before it (digits, {name}); 0 when there is none. */
size_t shell_ps_redir_at(const struct shell_ps *ps, size_t *ret_fd_len)
{
    size_t k = 0;

    while (shell_ps_at(ps, k) >= '0' && shell_ps_at(ps, k) <= '9')
        k++;
    if (k == 0 && shell_ps_at(ps, 0) == '{') {
        size_t n = shell_ps_name(ps->s + ps->i + 1, ps->n - ps->i - 1);
        k = n && shell_ps_at(ps, n + 1) == '}' ? n + 2 : 0;
    }
    *ret_fd_len = k;
    char c = shell_ps_at(ps, k), d = shell_ps_at(ps, k + 1);
    if (k == 0 && c == '&' && d == '>')
        return shell_ps_at(ps, 2) == '>' ? 3 : 2;
    if ((c != '<' && c != '>') || d == '(')
        return 0;
    static const char *const ops[] = {"<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">|", ">&", ">"};
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        size_t n = strlen(ops[i]);
        if (ps->n - ps->i >= k + n && memcmp(ps->s + ps->i + k, ops[i], n) == 0)
            return k + n;
    }
    return 0;
}

static enum shell_redir_op redir_op(const char *op, size_t n)
{
    static const struct {
        const char *s;
        enum shell_redir_op op;
    } table[] = {{"<", SHELL_R_IN},      {">", SHELL_R_OUT},      {">>", SHELL_R_APPEND},   {">|", SHELL_R_CLOBBER},
                 {"<>", SHELL_R_RW},     {"&>", SHELL_R_BOTH},    {"&>>", SHELL_R_BOTHAPP}, {"<&", SHELL_R_DUPIN},
                 {">&", SHELL_R_DUPOUT}, {"<<", SHELL_R_HEREDOC}, {"<<-", SHELL_R_HEREDOC}, {"<<<", SHELL_R_HERESTR}};

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strlen(table[i].s) == n && memcmp(table[i].s, op, n) == 0)
            return table[i].op;
    }
    return SHELL_R_OUT;
}

/* The delimiter is taken as written, its quotes off: it is never expanded. */
static void heredoc_begin(struct shell_ps *ps, struct shell_redir *r, bool strip, size_t start)
{
    AUTO(buf_fini) struct buf delim = BUF_INIT(256);
    bool quoted = false;
    char q = '\0';

    for (; ps->i < ps->n && (q || !strchr(" \t\n;&|<>()", ps->s[ps->i])); ps->i++) {
        char c = ps->s[ps->i];
        if (c == '$' || c == '`' || c == '\n' ||
            (c == '\\' && (q || shell_ps_at(ps, 1) == '\n' || ps->i + 1 >= ps->n))) {
            shell_ps_fail(ps, start, "a here-document with an end that is not understood");
            return;
        }
        if (q ? c == q : c == '\'' || c == '"') {
            q = q ? '\0' : c;
            quoted = true;
        } else if (c == '\\') {
            quoted = true;
            buf_addc(&delim, ps->s[++ps->i]);
        } else {
            buf_addc(&delim, c);
        }
    }
    if (q || (!delim.len && !quoted) || delim.bad || ps->npend >= SHELL_HEREDOCS_MAX) {
        shell_ps_fail(ps, start, "a here-document with an end that is not understood");
        return;
    }
    char *d = shell_strn(ps->sh, delim.p ? delim.p : "", delim.len);
    if (d)
        ps->pend[ps->npend++] = (struct shell_heredoc){r->target, d, strip, quoted};
}

/* `>&word`: a number or '-' names a descriptor, anything else a file. */
static void settle_dup(struct shell_redir *r)
{
    const char *v = r->target->value;

    if (r->op != SHELL_R_DUPOUT || (v && v[0] && strspn(v, "0123456789-") == strlen(v)))
        return;
    r->op = SHELL_R_BOTH;
}

/* `>&-x`, `>& -x`: for bash the operator ends behind the dash, for sh it ends before. */
static bool dash_and_more(const struct shell_ps *ps)
{
    char c = shell_ps_at(ps, 1);

    return shell_ps_at(ps, 0) == '-' && c && !strchr(" \t\n;&|<>()", c);
}

/* At a redirection. */
bool shell_ps_redir(struct shell_ps *ps, struct shell_redir *ret)
{
    size_t start = ps->i, fd_len, n = shell_ps_redir_at(ps, &fd_len);
    const char *op = ps->s + ps->i + fd_len;
    size_t op_len = n - fd_len;

    ret->op = redir_op(op, op_len);
    ret->fd = -1;
    if (fd_len && *(ps->s + start) != '{' && fd_len < 9) {
        int64_t fd = 0;
        for (size_t k = 0; k < fd_len; k++)
            fd = fd * 10 + (ps->s[start + k] - '0');
        ret->fd = (int)fd;
    }
    ret->target = shell_alloc(ps->sh, sizeof(*ret->target));
    if (!ret->target)
        return false;
    ret->target->text = ret->target->form = "";
    ps->i += n;
    if (shell_ps_at(ps, 0) == '\\' && shell_ps_at(ps, 1) == '\n') {
        shell_ps_fail(ps, start, "a line continuation inside an operator");
        return false;
    }
    if (fd_len && ps->s[start] == '{')
        shell_ps_note(ps, start, ps->i, "a redirection of {name}, which sh takes for a word");
    else if (fd_len > 1)
        shell_ps_note(ps, start, ps->i, "a descriptor of more than one digit, which sh takes for a word");
    shell_ps_blank(ps);
    if ((ret->op == SHELL_R_DUPIN || ret->op == SHELL_R_DUPOUT) && dash_and_more(ps)) {
        shell_ps_fail(ps, start, "text behind >&-, in the same word");
        return false;
    }
    if (ret->op == SHELL_R_HEREDOC) {
        heredoc_begin(ps, ret, op_len == 3, start);
        return !ps->stop;
    }
    if (!shell_ps_word(ps, SHELL_M_PLAIN, ret->target)) {
        shell_ps_fail(ps, start, "a redirection without its target");
        return false;
    }
    settle_dup(ret);
    return true;
}

/* stdin of every command of cmds[first..] that has none of its own comes from r. */
void shell_ps_feed(struct shell_ps *ps, size_t first, const struct shell_redir *r)
{
    bool text = r->op == SHELL_R_HEREDOC || r->op == SHELL_R_HERESTR;

    if (r->fd > 0 || (!text && r->op != SHELL_R_IN && r->op != SHELL_R_RW && r->op != SHELL_R_DUPIN))
        return;
    for (size_t i = first; i < ps->sh->ncmds; i++) {
        struct shell_cmd *c = ps->sh->cmds[i];
        if (c->ctx & SHELL_C_STDIN)
            continue;
        c->ctx |= SHELL_C_STDIN;
        c->stdin_text = text ? r->target : NULL;
        c->pipe_from = -1;
    }
}
