/* planner_words - see planner_words.h: folding and looking up.
 *
 * May include: base core/planner.h.  Pure.  Threads: any. */
#include "core/planner_words.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static const struct row {
    const char *text;
    enum word_class cls;
    int a, b;
} rows[] = {
#define W(text, class, a, b) {text, W_##class, a, b},
#include "core/planner_words.def"
#undef W
};

static bool is_chinese(int32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x323af);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
}

/* Typographic variants to the one spelling the vocabulary has; 0 drops the character. What only quotes or decorates is
 * a blank. '\n' stands for an end of a clause, '&' for "and". */
static int32_t fold(int32_t c)
{
    static const struct {
        int32_t from, to;
    } one[] = {
        {0x2018, '\''}, {0x2019, '\''}, {0x02bc, '\''}, {'`', ' '},     {0x3001, '&'}, {0x3002, '\n'}, {0xff61, '\n'},
        {0x2014, '\n'}, {0x2026, '\n'}, {0x2192, '\n'}, {0x21d2, '\n'}, {0x00b7, ' '}, {0x30fb, ' '},  {'/', '&'},
        {'+', '&'},     {';', '\n'},    {'!', '\n'},    {'?', '\n'},    {'\r', '\n'},
    };

    if (utf8_deceptive(c))
        return 0;
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xfee0;
    for (size_t i = 0; i < ARRAY_LEN(one); i++)
        if (one[i].from == c)
            return one[i].to;
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if (c < 0x80)
        return strchr("abcdefghijklmnopqrstuvwxyz0123456789'.,&\n)", (char)c) && c ? c : ' ';
    if (c <= 0xbf || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x303f) ||
        (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xfe30 && c <= 0xfe4f) || c >= 0xf0000 || (c >= 0x1f000 && c <= 0x1faff))
        return ' ';
    return c;
}

static void put_utf8(char **to, int32_t c, const char *from, size_t n)
{
    if (c == 0)
        return;
    if (c < 0x80) {
        *(*to)++ = (char)c;
    } else {
        memcpy(*to, from, n);
        *to += n;
    }
}

/* Only ASCII is ever put in place of something else, so the text does not grow. */
static size_t fold_text(const char *intent, char *out, bool *chinese)
{
    const char *end = intent + strlen(intent);
    char *to = out;

    while (intent < end) {
        const char *at = intent;
        int32_t c = utf8_next(&intent, end);
        *chinese |= is_chinese(c);
        put_utf8(&to, fold(c), at, (size_t)(intent - at));
    }
    *to = '\0';
    return (size_t)(to - out);
}

/* A place in the folded text. */
struct scan {
    const char *p, *end;
};

/* The next English word at or after s->p, without moving over anything else. Its apostrophes are kept: see same_word.
 */
static size_t word_len(const char *p, const char *end)
{
    const char *s = p;

    while (s < end && is_word(*s)) {
        const char *at = s;
        int32_t c = utf8_next(&s, end);
        if (is_chinese(c)) {
            s = at;
            break;
        }
        if (s + 1 < end && *s == '\'' && s[1] >= 'a' && s[1] <= 'z')
            s++;
    }
    return (size_t)(s - p);
}

/* Compares without apostrophes: "don't" is the row "dont". Returns how much of row was used, 0 when they differ. */
static size_t same_word(const char *p, size_t n, const char *row)
{
    const char *r = row;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\'')
            continue;
        if (*r != p[i])
            return 0;
        r++;
    }
    return *r == '\0' || *r == ' ' ? (size_t)(r - row) : 0;
}

static const struct row *find_word(const char *p, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (same_word(p, n, rows[i].text) == strlen(rows[i].text))
            return &rows[i];
    return NULL;
}

static const char *skip_stops(const char *p, const char *end)
{
    for (;;) {
        while (p < end && *p == ' ')
            p++;
        size_t n = word_len(p, end);
        const struct row *row = n ? find_word(p, n) : NULL;
        if (!row || row->cls != W_STOP)
            return p;
        p += n;
    }
}

/* How far the row reaches from p, 0 when it does not stand there. */
static size_t reach(const char *p, const char *end, const char *row)
{
    const char *s = p;

    for (;;) {
        size_t n = word_len(s, end);
        size_t used = n ? same_word(s, n, row) : 0;
        if (!used)
            return 0;
        s += n;
        row += used;
        if (*row == '\0')
            return (size_t)(s - p);
        row++;
        if (s + 1 < end && *s == '.' && is_word(s[1]))
            s++;
        else if (s < end && *s != ' ')
            return 0;
        s = skip_stops(s, end);
    }
}

static size_t reach_chinese(const char *p, const char *end, const char *row)
{
    size_t n = strlen(row);

    return n <= (size_t)(end - p) && memcmp(p, row, n) == 0 ? n : 0;
}

static void add(struct words *w, const struct row *row, const char *p, size_t n)
{
    struct word *last = w->n ? &w->v[w->n - 1] : NULL;
    enum word_class cls = row ? row->cls : W_UNKNOWN;

    /* Unknown Chinese characters side by side are named as one word. */
    if (!row && last && last->cls == W_UNKNOWN && last->p + last->n == p && (*p & 0x80)) {
        last->n += n;
        return;
    }
    if (cls == W_STOP || cls == W_FILL || w->n == WORDS_MAX)
        return;
    w->v[w->n++] = (struct word){cls, row ? row->a : 0, row ? row->b : 0, p, n};
}

static void add_class(struct words *w, enum word_class cls, const char *p)
{
    const struct row row = {"", cls, 0, 0};

    add(w, &row, p, 1);
}

/* "1." "2)" in front of an item */
static size_t list_number(const char *p, const char *end)
{
    size_t n = 0;

    while (p + n < end && p[n] >= '0' && p[n] <= '9')
        n++;
    return n && n < 3 && p + n < end && (p[n] == '.' || p[n] == ')' || p[n] == '&') ? n + 1 : 0;
}

static size_t first_char(const char *p, const char *end)
{
    const char *s = p;

    utf8_next(&s, end);
    return (size_t)(s - p);
}

/* The word at s->p: the longest row that stands there, else what is in no row. */
static void take_word(struct scan *s, struct words *w)
{
    const char *p = s->p;
    bool chinese = word_len(p, s->end) == 0;
    const struct row *best = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (((rows[i].text[0] & 0x80) != 0) != chinese)
            continue;
        size_t n = chinese ? reach_chinese(p, s->end, rows[i].text) : reach(p, s->end, rows[i].text);
        if (n > best_n) {
            best_n = n;
            best = &rows[i];
        }
    }
    if (!best)
        best_n = chinese ? first_char(p, s->end) : word_len(p, s->end);
    add(w, best, p, best_n);
    s->p += best_n;
}

static void scan_words(struct scan *s, struct words *w)
{
    while (s->p < s->end && w->n < WORDS_MAX) {
        const char *p = s->p;
        size_t number = p == w->text || !is_word(p[-1]) ? list_number(p, s->end) : 0;
        if (number) {
            add_class(w, W_SEP, p);
            s->p += number;
        } else if (is_word(*p)) {
            take_word(s, w);
        } else {
            bool stop = *p == '\n' || *p == ',' || (*p == '.' && (p + 1 == s->end || !is_word(p[1])));
            if (stop || *p == '&')
                add_class(w, stop ? W_SEP : W_AND, p);
            s->p++;
        }
    }
}

int words_of(const char *intent, struct words **ret, struct err *e)
{
    size_t n = strnlen(intent, PLANNER_INTENT_MAX + 1);

    if (n > PLANNER_INTENT_MAX)
        return err_field(e, ERR_INVALID, "intent", "intent must be at most %zu bytes", PLANNER_INTENT_MAX);
    if (!utf8_valid(intent, n))
        return err_field(e, ERR_INVALID, "intent", "intent must be UTF-8");
    struct words *w = calloc(1, sizeof *w);
    if (!w)
        return err_oom(e);
    size_t len = fold_text(intent, w->text, &w->chinese);
    struct scan s = {w->text, w->text + len};
    scan_words(&s, w);
    /* Words beyond the table were not read: that is not understood, never ignored. */
    if (w->n == WORDS_MAX)
        w->v[w->n - 1] = (struct word){W_UNKNOWN, 0, 0, "…", strlen("…")};
    *ret = w;
    return 0;
}

void words_free(struct words *w)
{
    free(w);
}
