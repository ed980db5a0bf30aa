/* shell_xargs - xargs: a command made of arguments and of what stdin holds.
 *
 * Why it exists: `echo / | xargs rm -rf` is about /. What stdin holds is known for here-documents, echo and find;
 * else each item is a word that nobody knows.
 * May include: core/shell_wrap.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

#define ITEMS_MAX 256

struct items {
    struct shell_word *w;
    size_t n, cap;
};

static void put(struct uw *u, struct items *it, struct shell_word word)
{
    struct shell_word *w = shell_push(u->sh, &it->w, &it->n, &it->cap, sizeof(*w));

    if (w)
        *w = word;
}

static void item(struct uw *u, struct items *it, const char *form, size_t n)
{
    put(u, it, shell_word_form(u->sh, form, n));
}

/* `find … |`: the names it prints. */
static bool items_of_find(struct uw *u, const struct shell_cmd *from, struct items *it)
{
    struct shell_word names[16];
    const char *prog = from->nwords ? from->words[0].value : NULL;

    if (!prog || !str_eq(shell_base(prog), "find"))
        return false;
    size_t n = shell_find_names(u->sh, from, names, ARRAY_LEN(names));
    for (size_t i = 0; i < n; i++)
        item(u, it, names[i].form, strlen(names[i].form));
    return n > 0;
}

/* What was asked for by options. */
struct request {
    const char *replace; /* -I: what stands for the item */
    const char *apart;   /* what items end with; NULL: something unusual, so nobody knows where */
    bool raw;            /* -0 -d: quotes are no quotes */
    bool file;           /* -a: not from stdin */
};

/* printf 'a\0b\0' | xargs -0: the NULs become line breaks. False: another escape, or a shell's echo that knows them. */
static bool undo_nuls(struct uw *u, const char *text, struct buf *out)
{
    bool piped = !u->c->stdin_text, print = false;

    if (piped && u->c->pipe_from >= 0)
        print = str_eq(u->sh->cmds[u->c->pipe_from]->words[0].value, "printf");
    for (; *text; text++) {
        bool nul = text[0] == '\\' && text[1] == '0' && !(text[2] >= '0' && text[2] <= '7');
        if (*text == '\\' && piped && !(nul && print))
            return false;
        buf_addc(out, *text == '\\' && piped ? '\n' : *text);
        text += *text == '\\' && piped;
    }
    return !out->bad;
}

/* Else quotes and backslashes mean something to xargs too: a text that has them says nothing about its items. */
static bool items_of_text(struct uw *u, const struct request *rq, struct items *it)
{
    const char *blanks = rq->raw ? "\n" : " \t\n"; /* around an item */
    const char *apart = rq->replace && !rq->raw ? "\n" : rq->apart;
    bool some;
    const char *text = uw_stdin(u, &some);
    AUTO(buf_fini) struct buf plain = BUF_INIT(SHELL_TEXT_MAX);

    if (text && rq->raw && strchr(text, '\\')) {
        if (!undo_nuls(u, text, &plain))
            return false;
        text = plain.p ? plain.p : "";
        apart = "\n";
    }
    if (!text || !apart || (!rq->raw && strpbrk(text, "'\"\\")))
        return false;
    while (*text && it->n < ITEMS_MAX) {
        text += strspn(text, blanks);
        size_t n = *apart ? strcspn(text, apart) : strlen(text);
        const char *next = text + n;
        while (rq->raw && n && text[n - 1] == '\n') /* echo's own: -0 would keep it */
            n--;
        if (n)
            item(u, it, text, n);
        text = next;
    }
    return !*text;
}

static void find_items(struct uw *u, const struct request *rq, struct items *it)
{
    if (!rq->file && u->c->pipe_from >= 0 && items_of_find(u, u->sh->cmds[u->c->pipe_from], it))
        return;
    if (rq->file || !items_of_text(u, rq, it))
        item(u, it, "\x01\x01", 2);
}

/* f with each `replace` in it become the item. */
static void replaced(struct uw *u, const char *f, const char *replace, const char *by, struct items *out)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);

    for (const char *at; (at = strstr(f, replace)); f = at + strlen(replace)) {
        buf_add(&b, f, (size_t)(at - f));
        buf_puts(&b, by);
    }
    buf_puts(&b, f);
    if (b.bad)
        item(u, out, "\x01\x01", 2);
    else
        item(u, out, b.p ? b.p : "", b.len);
}

static void run(struct uw *u, size_t i, const struct request *rq)
{
    struct items it = {0}, words = {0};

    find_items(u, rq, &it);
    if (i >= u->c->nwords)
        put(u, &words, shell_word_lit(u->sh, "echo")); /* xargs(1): the default */
    else if (rq->replace && strstr(u->c->words[i].form, rq->replace))
        uw_opaque(u, "xargs -I where the program is named"); /* GNU leaves that word alone */
    for (; i < u->c->nwords; i++) {
        const char *f = u->c->words[i].form;
        bool here = rq->replace && strstr(f, rq->replace);
        if (!here)
            put(u, &words, u->c->words[i]);
        for (size_t k = 0; here && k < it.n; k++)
            replaced(u, f, rq->replace, it.w[k].form, &words);
    }
    for (size_t k = 0; !rq->replace && k < it.n; k++)
        put(u, &words, it.w[k]);
    if (words.n)
        uw_derive(u, "xargs", words.w, words.n);
}

/* One option; 0 at the first operand, -1 when it is not understood. */
static int option(struct uw *u, size_t *i, size_t *sub, struct request *rq)
{
    static const struct uw_opts o = {
        "0rtxpo", "aEILnPsd",
        "null,no-run-if-empty,verbose,exit,interactive,open-tty,show-limits,eof,replace,max-lines,"
        "arg-file=,delimiter=,max-args=,max-procs=,max-chars=,process-slot-var="};
    const struct shell_word *value = NULL;
    struct shell_word scratch;
    const char *name = "", *v = uw_value(u, *i), *was = rq->replace;
    bool attached = *sub == 0 && v && v[0] == '-' && v[1] && strchr("eil", v[1]); /* -i[R] -e[S] -l[N] */

    int c = attached ? v[1] : uw_opt(u, &o, i, sub, &name, &value, &scratch);
    if (attached)
        ++*i;
    if (c == 'i')
        rq->replace = v[2] ? v + 2 : "{}";
    else if (c == 'I')
        rq->replace = value->value;
    else if (c == 1 && str_starts(name, "replace"))
        rq->replace = value ? value->value : "{}";
    if (rq->replace != was && !(rq->replace && *rq->replace))
        return -1;
    bool lines =
        c == 'n' || c == 'L' || c == 'l' || (c == 1 && str_starts(name, "max-") && name[4] != 'p' && name[4] != 'c');
    if (lines && rq->replace)
        return -1; /* xargs then forgets one of the two: its version says which */
    bool null = c == '0' || (c == 1 && str_starts(name, "null"));
    bool delimiter = c == 'd' || (c == 1 && str_starts(name, "delimiter"));
    if (null || delimiter) {
        rq->raw = true;
        rq->apart = null ? "" : value && str_eq(value->value, "\\n") ? "\n" : NULL; /* no NUL in a text: one item */
    }
    rq->file = rq->file || c == 'a' || (c == 1 && str_starts(name, "arg-file"));
    return c;
}

bool uw_xargs(struct uw *u)
{
    struct request rq = {.apart = " \t\n"};
    size_t i = 1, sub = 0;
    int c;

    if (!str_eq(u->prog, "xargs"))
        return false;
    while ((c = option(u, &i, &sub, &rq)) > 0)
        ;
    if (c < 0) {
        uw_opaque(u, "an option of a wrapper that is not understood");
        return true;
    }
    u->c->transparent = true;
    run(u, i, &rq);
    return true;
}
