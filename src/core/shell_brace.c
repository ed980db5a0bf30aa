/* shell_brace - brace expansion: a{b,c} and {1..3} (bash(1) "Brace Expansion").
 *
 * Why it exists: {rm,-rf,/} is a command. Done on forms whose live braces are
 * marked, so that quoted ones stay literal.
 * May include: core/shell_int.h.  Pure. */
#include "core/shell_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FORM_MAX     (2 * KIB)
#define SEQUENCE_MAX 1000000
#define OPEN_MAX     64 /* braces in one word: keeps the search for their ends short */

struct list {
    char *v[SHELL_BRACE_MAX];
    size_t n;
    bool over;
};

static void list_fini(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    l->n = 0;
}

static void list_add(struct list *l, const char *a, size_t na, const char *b, size_t nb)
{
    char *p = l->n < SHELL_BRACE_MAX && na + nb < FORM_MAX ? malloc(na + nb + 1) : NULL;

    if (!p) {
        l->over = true;
        return;
    }
    memcpy(p, a, na);
    memcpy(p + na, b, nb);
    p[na + nb] = '\0';
    l->v[l->n++] = p;
}

void shell_brace_drop(char *form)
{
    for (; *form; form++) {
        if (*form == SHELL_F_OPEN)
            *form = '{';
        else if (*form == SHELL_F_COMMA)
            *form = ',';
        else if (*form == SHELL_F_CLOSE)
            *form = '}';
    }
}

/* The brace that closes the one at p; NULL when there is none. *ret_comma: there is a comma on this level. */
static const char *closing(const char *p, const char *end, bool *ret_comma)
{
    int depth = 0;

    *ret_comma = false;
    for (; p < end; p++) {
        if (*p == SHELL_F_OPEN)
            depth++;
        else if (*p == SHELL_F_COMMA && depth == 1)
            *ret_comma = true;
        else if (*p == SHELL_F_CLOSE && --depth == 0)
            return p;
    }
    return NULL;
}

/* A number as it is printed again: bash also takes +1, and pads with what 01 begins with. */
static bool plain_number(const char *s, int64_t *ret)
{
    const char *digits = s + (*s == '-');

    return *s != '+' && (*digits != '0' || (!digits[1] && digits == s)) && str_i64(s, ret);
}

static bool one_letter(const char *s)
{
    return ((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z')) && s[1] == '\0';
}

/* "1..5", "a..e", "1..9..2" without the braces. False: not a sequence. Odd ends, or past 64
 * members: one word nobody knows. */
static bool sequence(const char *p, size_t n, struct list *out)
{
    char text[64], one[32];
    int64_t a = 0, b = 0, step = 1;

    if (n >= sizeof(text))
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    char *to = strstr(text, "..");
    if (!to)
        return false;
    *to = '\0';
    to += 2;
    char *by = strstr(to, "..");
    if (by)
        *by = '\0';
    bool letters = one_letter(text) && one_letter(to), known = !by || plain_number(by + 2, &step);
    if (letters) {
        a = text[0];
        b = to[0];
    } else {
        known = known && plain_number(text, &a) && plain_number(to, &b);
    }
    if (step < 0)
        step = step == INT64_MIN ? 1 : -step;
    if (step == 0)
        step = 1;
    known = known && a > -SEQUENCE_MAX && a < SEQUENCE_MAX && b > -SEQUENCE_MAX && b < SEQUENCE_MAX;
    if (!known || llabs(b - a) / step >= 64) {
        list_add(out, "\x01\x01", 2, "", 0);
        return true;
    }
    for (int64_t v = a; a <= b ? v <= b : v >= b; v += a <= b ? step : -step) {
        AUTO(buf_fini) struct buf num = BUF_INIT(sizeof(one));
        if (letters)
            buf_addc(&num, (char)v);
        else
            buf_printf(&num, "%lld", (long long)v);
        list_add(out, num.p ? num.p : "", num.len, "", 0);
    }
    return true;
}

static void expand(const char *p, const char *end, int depth, struct list *out);

/* Everything between the braces, comma by comma. */
static void members(const char *p, const char *close, int depth, struct list *out)
{
    const char *from = p;
    int level = 0;

    for (; p <= close && !out->over; p++) {
        if (*p == SHELL_F_OPEN)
            level++;
        else if (*p == SHELL_F_CLOSE && p < close)
            level--;
        else if (p == close || (*p == SHELL_F_COMMA && level == 0)) {
            expand(from, p, depth + 1, out);
            from = p + 1;
        }
    }
}

/* Puts every expansion of p..end into out. */
static void expand(const char *p, const char *end, int depth, struct list *out)
{
    bool comma = false;
    const char *open = p, *close = NULL;
    struct list mid = {.n = 0}, rest = {.n = 0};

    if (depth > 16) {
        out->over = true;
        return;
    }
    for (; open < end; open++) {
        if (*open != SHELL_F_OPEN)
            continue;
        close = closing(open, end, &comma);
        if (!close)
            continue;
        if (comma) {
            members(open + 1, close, depth, &mid);
            break;
        }
        if (sequence(open + 1, (size_t)(close - open) - 1, &mid))
            break;
        close = NULL;
    }
    if (open >= end) {
        list_add(out, p, (size_t)(end - p), "", 0);
        return;
    }
    expand(close + 1, end, depth + 1, &rest);
    out->over = out->over || mid.over || rest.over;
    for (size_t i = 0; i < mid.n && !out->over; i++) {
        for (size_t k = 0; k < rest.n && !out->over; k++) {
            AUTO(buf_fini) struct buf head = BUF_INIT(FORM_MAX);
            buf_add(&head, p, (size_t)(open - p));
            buf_puts(&head, mid.v[i]);
            out->over = out->over || head.bad;
            list_add(out, head.p ? head.p : "", head.len, rest.v[k], strlen(rest.v[k]));
        }
    }
    list_fini(&mid);
    list_fini(&rest);
}

/* Too much to expand; a comma between braces that do not pair: bash reads {a}b,} as {'a}b',}: not in its manual; or a $
 * that finds its name behind the brace: {a$,b}c has $c in it. */
static bool too_odd(const char *form)
{
    size_t opens = 0, closes = 0, n = 0;

    for (; form[n]; n++) {
        opens += form[n] == SHELL_F_OPEN;
        closes += form[n] == SHELL_F_CLOSE;
        if (form[n] == '$' && (form[n + 1] == SHELL_F_COMMA || form[n + 1] == SHELL_F_CLOSE))
            return true;
    }
    return n >= FORM_MAX || opens > OPEN_MAX || (opens != closes && strchr(form, SHELL_F_COMMA));
}

/* A sequence nobody knows, where the word had nothing unknown before: it stands for any number of words. */
static unsigned odd_sequence(const char *form, const struct shell_word *w)
{
    return strstr(form, "\x01\x01") && !strstr(w->form, "\x01\x01") ? SHELL_W_SPLIT : 0;
}

bool shell_brace_expand(struct shell *sh, const struct shell_word *w, struct shell_word **words, size_t *n, size_t *cap)
{
    struct list out = {.n = 0};
    bool plain = !strchr(w->form, SHELL_F_OPEN) || !strchr(w->form, SHELL_F_CLOSE);

    if (!plain && (too_odd(w->form) || ((w->flags & SHELL_W_QUOTED) && strstr(w->form, ".."))))
        return false; /* {1'..'3} is no sequence: which dots were quoted is not known here */
    if (!plain)
        expand(w->form, w->form + strlen(w->form), 0, &out);
    bool ok = !out.over;
    if (plain || (ok && out.n == 1)) {
        struct shell_word *slot = shell_push(sh, words, n, cap, sizeof(*slot));
        if (slot) {
            *slot = *w;
            char *form = shell_strn(sh, plain ? w->form : out.v[0], strlen(plain ? w->form : out.v[0]));
            if (form)
                shell_brace_drop(form);
            slot->form = form ? form : "";
            if (!plain && strcmp(out.v[0], w->form) != 0) /* {e..e} */
                slot->flags |= SHELL_W_BRACE | odd_sequence(out.v[0], w);
            shell_word_finish(slot);
        }
    } else {
        bool some = (w->flags & SHELL_W_QUOTED) != 0;
        for (size_t i = 0; i < out.n; i++)
            some = some || out.v[i][0];
        for (size_t i = 0; ok && i < out.n; i++) {
            bool empty = !out.v[i][0];
            if (empty && some && !(w->flags & SHELL_W_QUOTED))
                continue; /* an unquoted empty word is no word; but sh leaves {,} as it is */
            struct shell_word *slot = shell_push(sh, words, n, cap, sizeof(*slot));
            if (!slot)
                break;
            shell_brace_drop(out.v[i]);
            *slot = shell_word_form(sh, out.v[i], strlen(out.v[i]));
            slot->flags |= (w->flags & ~(unsigned)SHELL_W_DYNAMIC) | SHELL_W_BRACE | odd_sequence(out.v[i], w);
            slot->flags &= ~(unsigned)SHELL_W_MADE;
            if (empty) { /* {"",x}: an empty word; {"x",}: none */
                *slot = shell_word_form(sh, "\x01\x01", 2);
                slot->flags = (slot->flags & ~(unsigned)SHELL_W_MADE) | SHELL_W_SPLIT | SHELL_W_BRACE;
            }
        }
    }
    list_fini(&out);
    return ok;
}
