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

    if (!prog || from->nredirs || !str_eq(shell_base(prog), "find") || shell_is_func(u->sh, prog))
        return false;
    for (size_t i = 1; i < from->nwords; i++) { /* these print something else */
        if (!from->words[i].value || glob_listed("-exec* -ok* -printf -ls", from->words[i].value))
            return false;
    }
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
    size_t at_once;      /* -n: items of one command; 0: as many as fit */
    bool lines;          /* -L, -s: nobody counts what one command gets */
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
        if (piped && (*text == '\n' || (*text == '\\' && !(nul && print))))
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
    if (text && rq->raw && (!*text || *text == '\n' || strstr(text, "\n\n")))
        return false; /* empty items, or one that is the line's end of `<<< ""` */
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

/* True when each item is one argument: find's are names that stand for many, or for none. */
static bool find_items(struct uw *u, const struct request *rq, struct items *it)
{
    if (!rq->file && u->c->pipe_from >= 0 && items_of_find(u, u->sh->cmds[u->c->pipe_from], it))
        return false;
    if (rq->file || !items_of_text(u, rq, it))
        item(u, it, "\x01\x01", 2);
    return true;
}

/* The word with each `replace` in it become the item. */
static void replaced(struct uw *u, const struct shell_word *w, const char *replace, const char *by, struct items *out)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
    const char *f = w->form;

    for (const char *at; (at = strstr(f, replace)); f = at + strlen(replace)) {
        buf_add(&b, f, (size_t)(at - f));
        buf_puts(&b, by);
    }
    buf_puts(&b, f);
    if (b.bad)
        item(u, out, "\x01\x01", 2);
    else
        item(u, out, b.p ? b.p : "", b.len);
    if (!shell_dead(u->sh))
        out->w[out->n - 1].flags |= w->flags & (SHELL_W_BRACE | SHELL_W_DOLLAR);
}

/* The command from word i on with n items: behind it, or with -I each in its place. */
static void run_with(struct uw *u, size_t i, const struct request *rq, const struct shell_word *items, size_t n)
{
    struct items words = {0};

    if (i >= u->c->nwords)
        put(u, &words, shell_word_lit(u->sh, "echo")); /* xargs(1): the default */
    for (; i < u->c->nwords; i++) {
        const char *f = u->c->words[i].form;
        if (rq->replace && n && strstr(f, rq->replace))
            replaced(u, &u->c->words[i], rq->replace, items[0].form, &words);
        else
            put(u, &words, u->c->words[i]);
    }
    for (size_t k = 0; !rq->replace && k < n; k++)
        put(u, &words, items[k]);
    if (words.n)
        uw_derive(u, "xargs", words.w, words.n);
}

/* What an item means depends on where it comes to stand (sh -c), so each command is listed. */
static void run(struct uw *u, size_t i, const struct request *rq)
{
    struct items it = {0};

    if (rq->replace && i < u->c->nwords && strstr(u->c->words[i].form, rq->replace))
        uw_opaque(u, "xargs -I where the program is named"); /* GNU leaves that word alone */
    for (size_t k = i; rq->replace && !str_eq(rq->replace, "{}") && k < u->c->nwords; k++)
        if (uw_disputed(&u->c->words[k])) /* -I{ x{a,b}: sh leaves the braces, and xargs puts the item there */
            uw_opaque(u, "xargs -I beside {a,b} or $'…', of which it may be a part");
    bool counted = find_items(u, rq, &it), known = counted && !(it.n && !shell_form_known(it.w[0].form));
    size_t step = rq->replace ? 1 : counted && rq->at_once ? rq->at_once : it.n;
    if (counted && rq->lines && it.n > 1)
        uw_opaque(u, "xargs with a limit that does not tell where a command ends");
    if (!it.n)
        run_with(u, i, rq, NULL, 0);
    for (size_t k = 0; k < it.n && !shell_dead(u->sh); k += step)
        run_with(u, i, rq, it.w + k, step < it.n - k ? step : it.n - k);
    if (it.n && !known && !rq->replace) /* nobody knows whether there is an item */
        run_with(u, i, rq, NULL, 0);
    for (size_t k = 1; !counted && !rq->replace && k < it.n; k++) /* find may have found none of the first */
        run_with(u, i, rq, it.w + k, it.n - k);
}

/* -n2, -L 1, -s 100, --max-args=2. False: a number that is not one. */
static bool limit(struct request *rq, bool args, const struct shell_word *value)
{
    int64_t n = 0;

    if (!args) {
        rq->lines = true;
        return true;
    }
    if (!value || !str_i64(value->value, &n) || n < 1)
        return false;
    rq->at_once = n < ITEMS_MAX ? (size_t)n : 0;
    return true;
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
    bool attached = *sub == 0 && v && v[0] == '-' && v[1] && strchr("eil", v[1]) && /* -i[R] -e[S] -l[N] */
                    !uw_disputed(&u->c->words[*i]);

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
    bool args = c == 'n' || (c == 1 && str_starts(name, "max-a"));
    if ((lines || c == 's' || (c == 1 && str_starts(name, "max-c"))) && !limit(rq, args, value))
        return -1;
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
