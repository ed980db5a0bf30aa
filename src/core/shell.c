/* shell - memory, lists and the entry points; see shell.h.
 *
 * Everything a struct shell points to lives in its arena and goes with it. */
#include "core/shell_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define BLOCK (16 * KIB)

void *shell_alloc(struct shell *sh, size_t n)
{
    struct shell_priv *p = sh->priv;
    struct shell_block *b = p->blocks;

    n = (n + 15) & ~(size_t)15;
    if (shell_dead(sh))
        return NULL;
    if (!b || b->cap - b->used < n) {
        size_t cap = n > BLOCK ? n : BLOCK;
        if (p->total + cap > p->limit) {
            p->full = true;
            return NULL;
        }
        b = calloc(1, sizeof(*b) + cap);
        if (!b) {
            p->oom = true;
            return NULL;
        }
        b->cap = cap;
        b->next = p->blocks;
        p->blocks = b;
        p->total += cap;
    }
    void *ret = b->p + b->used;
    b->used += n;
    return ret;
}

char *shell_strn(struct shell *sh, const char *s, size_t n)
{
    char *p = shell_alloc(sh, n + 1);

    if (p && n)
        memcpy(p, s, n);
    return p;
}

void *shell_push(struct shell *sh, void *array, size_t *n, size_t *cap, size_t size)
{
    char **a = array;

    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 4;
        char *p = shell_alloc(sh, more * size);
        if (!p)
            return NULL;
        if (*n)
            memcpy(p, *a, *n * size);
        *a = p;
        *cap = more;
    }
    return *a + (*n)++ * size;
}

int shell_add_cmd(struct shell *sh, struct shell_cmd *cmd)
{
    if (sh->ncmds >= SHELL_CMDS_MAX) {
        sh->priv->full = true;
        return -1;
    }
    struct shell_cmd **slot = shell_push(sh, &sh->cmds, &sh->ncmds, &sh->priv->cap_cmds, sizeof(*slot));
    if (!slot)
        return -1;
    *slot = cmd;
    return (int)sh->ncmds - 1;
}

/* Cut on a character, at most 160 bytes. */
static char *shorten(struct shell *sh, const char *text, size_t n)
{
    if (n > 160) {
        n = 160;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    return shell_strn(sh, text, n);
}

void shell_add_opaque(struct shell *sh, struct shell_range at, const char *reason, const char *text, size_t n, int cmd)
{
    for (size_t i = 0; i < sh->nopaque; i++) {
        const struct shell_opaque *o = &sh->opaque[i];
        if (o->at.at == at.at && o->at.len == at.len && o->reason == reason)
            return;
    }
    if (sh->nopaque >= SHELL_OPAQUE_MAX)
        return;
    struct shell_opaque *o = shell_push(sh, &sh->opaque, &sh->nopaque, &sh->priv->cap_opaque, sizeof(*o));
    if (!o)
        return;
    char *copy = shorten(sh, text, n);
    *o = (struct shell_opaque){.at = at, .reason = reason, .text = copy ? copy : "", .cmd = cmd};
}

void shell_add_var(struct shell *sh, const char *name, const char *form)
{
    if (!name || !form)
        return;
    for (size_t i = 0; i < sh->nvars; i++) {
        if (str_eq(sh->vars[i].name, name) && str_eq(sh->vars[i].form, form))
            return;
    }
    if (sh->nvars >= SHELL_VARS_MAX) {
        sh->priv->full = true; /* `cat $x` is no answer when x is not kept */
        return;
    }
    struct shell_var *v = shell_push(sh, &sh->vars, &sh->nvars, &sh->priv->cap_vars, sizeof(*v));
    if (v)
        *v = (struct shell_var){name, form};
}

int shell_add_scope(struct shell *sh, int parent)
{
    if (sh->nscopes >= SHELL_SCOPES_MAX) {
        sh->priv->full = true;
        return 0;
    }
    int *s = shell_push(sh, &sh->scopes, &sh->nscopes, &sh->priv->cap_scopes, sizeof(*s));
    if (!s)
        return 0;
    *s = parent;
    return (int)sh->nscopes - 1;
}

bool shell_is_func(const struct shell *sh, const char *name)
{
    for (size_t i = 0; i < sh->nfuncs; i++) {
        if (str_eq(sh->funcs[i].name, name))
            return true;
    }
    return false;
}

/* --- words --- */

static bool is_mark(char c)
{
    return c == SHELL_F_VAR || c == SHELL_F_STAR || c == SHELL_F_ONE || c == SHELL_F_HOME || c == SHELL_F_PWD;
}

void shell_word_finish(struct shell_word *w)
{
    w->value = w->form;
    for (const char *p = w->form; p && *p; p++) {
        if (is_mark(*p)) {
            w->value = NULL;
            w->flags |= *p == SHELL_F_STAR || *p == SHELL_F_ONE ? SHELL_W_GLOB : SHELL_W_DYNAMIC;
        }
    }
}

struct shell_word shell_word_form(struct shell *sh, const char *form, size_t n)
{
    struct shell_word w = {.flags = SHELL_W_MADE};

    w.form = shell_strn(sh, form, n);
    if (!w.form)
        w.form = "";
    char *text = shell_strn(sh, w.form, strlen(w.form));
    for (char *p = text; p && *p; p++) {
        if (*p == SHELL_F_STAR)
            *p = '*';
        else if (*p == SHELL_F_HOME)
            *p = '~';
        else if (*p == SHELL_F_PWD)
            *p = '.';
        else if (is_mark(*p))
            *p = '?';
    }
    w.text = text ? text : "";
    shell_word_finish(&w);
    return w;
}

struct shell_word shell_word_lit(struct shell *sh, const char *s)
{
    return shell_word_form(sh, s, strlen(s));
}

bool shell_form_known(const char *form)
{
    return !strchr(form, SHELL_F_VAR);
}

const char *shell_base(const char *program)
{
    const char *slash = strrchr(program, '/');

    return slash ? slash + 1 : program;
}

/* --- what variables the text itself sets may put into a form --- */

/* Values may hold variables again: as far as this, and for so many look-ups. Past that the form is not known. */
#define CHAIN_MAX   4
#define LOOKUPS_MAX 512

struct lookup {
    const struct shell *sh;
    unsigned left;
};

static bool is_var(const struct shell_var *v, const char *name, size_t n)
{
    return strlen(v->name) == n && memcmp(v->name, name, n) == 0;
}

static unsigned readings(struct lookup *l, const char *form, int depth);

/* Of one variable, over all values that the text gives it; 0: it gives none. */
static unsigned var_readings(struct lookup *l, const char *name, size_t n, int depth)
{
    unsigned sum = 0;

    for (size_t i = 0; i < l->sh->nvars && sum <= SHELL_READINGS_MAX; i++) {
        if (!is_var(&l->sh->vars[i], name, n))
            continue;
        if (depth == CHAIN_MAX || l->left == 0)
            return SHELL_READINGS_MAX + 1;
        l->left--;
        sum += readings(l, l->sh->vars[i].form, depth + 1);
    }
    return sum > SHELL_READINGS_MAX ? SHELL_READINGS_MAX + 1 : sum;
}

/* Each combination of what its variables may hold; at most SHELL_READINGS_MAX + 1. */
static unsigned readings(struct lookup *l, const char *form, int depth)
{
    unsigned all = 1;

    while (all <= SHELL_READINGS_MAX && (form = strchr(form, SHELL_F_VAR)) != NULL) {
        const char *end = strchr(form + 1, SHELL_F_VAR);
        if (!end)
            break;
        unsigned here = var_readings(l, form + 1, (size_t)(end - form) - 1, depth);
        all *= here ? here : 1;
        form = end + 1;
    }
    return all > SHELL_READINGS_MAX ? SHELL_READINGS_MAX + 1 : all;
}

unsigned shell_readings(const struct shell *sh, const char *form)
{
    struct lookup l = {sh, LOOKUPS_MAX};

    return readings(&l, form, 0);
}

static void resolve(struct lookup *l, const char *form, unsigned pick, int depth, struct buf *out);

/* False: nothing is known of the variable. *pick loses what is decided here. */
static bool resolve_var(struct lookup *l, const char *name, size_t n, unsigned *pick, int depth, struct buf *out)
{
    unsigned all = depth < CHAIN_MAX ? var_readings(l, name, n, depth) : 0, at = all ? *pick % all : 0;

    if (all == 0)
        return false;
    *pick /= all;
    for (size_t i = 0; i < l->sh->nvars; i++) {
        const struct shell_var *v = &l->sh->vars[i];
        unsigned here = is_var(v, name, n) ? readings(l, v->form, depth + 1) : 0;
        if (at < here) {
            resolve(l, v->form, at, depth + 1, out);
            return true;
        }
        at -= here;
    }
    return false;
}

static void resolve(struct lookup *l, const char *form, unsigned pick, int depth, struct buf *out)
{
    while (*form && !out->bad) {
        const char *end = *form == SHELL_F_VAR ? strchr(form + 1, SHELL_F_VAR) : NULL;
        if (!end) {
            buf_addc(out, *form++);
            continue;
        }
        size_t n = (size_t)(end - form) - 1;
        if (!resolve_var(l, form + 1, n, &pick, depth, out))
            buf_add(out, form, n + 2);
        form = end + 1;
    }
}

bool shell_resolve(const struct shell *sh, const char *form, unsigned pick, struct buf *out)
{
    struct lookup l = {sh, LOOKUPS_MAX};

    if (pick > 0 && (shell_form_known(form) || pick >= shell_readings(sh, form)))
        return false;
    resolve(&l, form, pick, 0, out);
    return !out->bad;
}

/* --- entry points --- */

static int shell_new(struct shell **ret, struct err *e)
{
    struct shell *sh = calloc(1, sizeof(*sh));
    struct shell_priv *p = calloc(1, sizeof(*p));

    if (!sh || !p) {
        free(sh);
        free(p);
        return err_oom(e);
    }
    sh->priv = p;
    p->limit = SHELL_MEM_MAX;
    shell_add_scope(sh, -1);
    *ret = sh;
    return 0;
}

void shell_free(struct shell *sh)
{
    if (!sh)
        return;
    while (sh->priv->blocks) {
        struct shell_block *b = sh->priv->blocks;
        sh->priv->blocks = b->next;
        free(b);
    }
    free(sh->priv);
    free(sh);
}

/* Text that reads differently from what runs, or that no shell reads as it stands. True: do not parse it. */
static bool check_bytes(struct shell *sh, const char *s, size_t n)
{
    struct shell_range all = {0, (uint32_t)n};
    const char *p = s, *end = s + n;

    if (memchr(s, '\0', n)) {
        shell_add_opaque(sh, all, "the text holds a NUL byte, where a shell may stop reading", s, 0, -1);
        return true;
    }
    if (!utf8_valid(s, n)) {
        shell_add_opaque(sh, all, "the text is not valid UTF-8", "", 0, -1);
        return true;
    }
    while (p < end) {
        struct shell_range at = {(uint32_t)(p - s), 1};
        int32_t cp = utf8_next(&p, end);
        at.len = (uint32_t)(p - s) - at.at;
        if ((cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0)) {
            const char *why = cp == '\r' ? "the text holds a carriage return, which can overwrite what is shown"
                                         : "the text holds a control character";
            shell_add_opaque(sh, at, why, "", 0, -1);
            return true;
        }
        if (utf8_deceptive(cp)) {
            shell_add_opaque(sh, at, "the text holds an invisible or direction-changing character", "", 0, -1);
            return false;
        }
    }
    return false;
}

void shell_note_full(struct shell *sh)
{
    sh->priv->full = false;
    sh->priv->limit += 64 * KIB; /* this note must find room */
    shell_add_opaque(sh, (struct shell_range){0, 0}, "the text is too large or too deep to analyse", "", 0, -1);
    sh->priv->full = true; /* nothing more is added */
}

static int finish(struct shell *sh, size_t n, struct shell **ret, struct err *e)
{
    if (sh->priv->oom) {
        shell_free(sh);
        return err_oom(e);
    }
    if (sh->priv->full)
        shell_note_full(sh);
    if (ret)
        *ret = sh;
    return 0;
}

int shell_parse(const char *text, size_t n, struct shell **ret, struct err *e)
{
    struct shell *sh = NULL;

    int r = shell_new(&sh, e);
    if (r < 0)
        return r;
    struct shell_source src = {.s = text, .n = n, .pipe_from = -1, .via = -1};
    if (n > SHELL_TEXT_MAX)
        shell_add_opaque(sh, (struct shell_range){0, 0}, "the text is longer than 64 KiB", "", 0, -1);
    else if (!check_bytes(sh, text, n))
        shell_parse_source(sh, &src);
    return finish(sh, n, ret, e);
}

/* For showing only: quotes what needs it. */
static void join(struct buf *out, const char *s)
{
    if (out->len)
        buf_addc(out, ' ');
    buf_quote(out, s);
}

int shell_from_argv(const char *const *argv, size_t n, struct shell **ret, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(4 * SHELL_TEXT_MAX);
    struct shell *sh = NULL;
    size_t cap = 0, total = 0;

    int r = shell_new(&sh, e);
    if (r < 0)
        return r;
    struct shell_cmd *cmd = shell_alloc(sh, sizeof(*cmd));
    for (size_t i = 0; i < n; i++)
        total += strlen(argv[i]) + 1;
    if (total > SHELL_TEXT_MAX)
        shell_add_opaque(sh, (struct shell_range){0, 0}, "the arguments are longer than 64 KiB", "", 0, -1);
    for (size_t i = 0; cmd && i < n && total <= SHELL_TEXT_MAX; i++) {
        join(&text, argv[i]);
        struct shell_word *w = shell_push(sh, &cmd->words, &cmd->nwords, &cap, sizeof(*w));
        if (!w)
            break;
        AUTO(buf_fini) struct buf clean = BUF_INIT(SHELL_TEXT_MAX * 4);
        bool odd = !utf8_valid(argv[i], strlen(argv[i]));
        for (const char *p = argv[i]; *p; p++) {
            odd = odd || (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f);
            if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
                buf_add(&clean, "\x01\x01", 2);
            else
                buf_addc(&clean, *p);
        }
        *w = shell_word_form(sh, clean.p ? clean.p : "", clean.len);
        w->flags &= ~(unsigned)SHELL_W_MADE;
        w->text = shell_strn(sh, argv[i], strlen(argv[i]));
        if (odd)
            shell_add_opaque(sh, (struct shell_range){0, 0}, "an argument holds control characters or is not UTF-8", "",
                             0, 0);
    }
    if (cmd && !shell_dead(sh)) {
        cmd->text = shell_strn(sh, text.p ? text.p : "", text.len);
        cmd->at.len = (uint32_t)text.len;
        cmd->pipe_from = cmd->via = -1;
        shell_add_cmd(sh, cmd);
    }
    return finish(sh, text.len, ret, e);
}
