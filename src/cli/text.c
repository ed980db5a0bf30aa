/* text - see text.h.
 *
 * May include: base/.   Threads: any. */
#include "cli/text.h"
#include "base/str.h"
#include <inttypes.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define ESC '\x1b'

void text_init(void)
{
    /* Built into glibc since 2.35; Debian ships it as a locale too. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
}

/* Characters that turn the reading order: never passed, not even in logs. */
static bool is_bidi(int32_t cp)
{
    return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

static bool is_visible(int32_t cp, unsigned how)
{
    if (cp < 0xa0)
        return cp < 0x7f;
    if (is_bidi(cp))
        return false;
    if (how & TEXT_LOG)
        return true;
    return !utf8_deceptive(cp) && wcwidth((wchar_t)cp) >= 0;
}

/* One list of SGR parameters holds weights and colours only: no "conceal" (8), no blinking. */
static bool sgr_known(const unsigned *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned c = v[i];
        if ((c == 38 || c == 48) && i + 1 < n) { /* extended colour: 5;n or 2;r;g;b */
            i += v[i + 1] == 5 ? 2 : v[i + 1] == 2 ? 4 : n;
            if (i >= n)
                return false;
            continue;
        }
        bool ok = c <= 4 || c == 7 || (c >= 21 && c <= 24) || c == 27 || (c >= 30 && c <= 37) || c == 39 ||
                  (c >= 40 && c <= 47) || c == 49 || (c >= 90 && c <= 97) || (c >= 100 && c <= 107);
        if (!ok)
            return false;
    }
    return true;
}

size_t text_sgr(const char *p, size_t n)
{
    unsigned v[16] = {0};
    size_t nv = 1, i = 2;
    if (n < 3 || p[0] != ESC || p[1] != '[')
        return 0;
    for (; i < n && i < TEXT_TAIL_MAX; i++) {
        if (p[i] >= '0' && p[i] <= '9' && v[nv - 1] < 1000)
            v[nv - 1] = v[nv - 1] * 10 + (unsigned)(p[i] - '0');
        else if (p[i] == ';' && nv < 16)
            nv++;
        else
            break;
    }
    if (i >= n || p[i] != 'm')
        return 0;
    return sgr_known(v, nv) ? i + 1 : 0;
}

/* "Erase to end of line" comes with every coloured line of gcc and grep; leaving it out changes nothing. */
static size_t erase_line(const char *p, size_t n)
{
    if (n >= 3 && memcmp(p, "\x1b[K", 3) == 0)
        return 3;
    return n >= 4 && memcmp(p, "\x1b[0K", 4) == 0 ? 4 : 0;
}

/* Handles a sequence at p that passes whole or vanishes; returns its length, 0 when there is none. */
static size_t pass_escape(struct buf *out, const char *p, size_t n, unsigned how)
{
    if (!(how & TEXT_SGR) || *p != ESC)
        return 0;
    size_t k = text_sgr(p, n);
    if (k && !(how & TEXT_PLAIN))
        buf_add(out, p, k);
    return k ? k : erase_line(p, n);
}

static void show_byte(struct buf *out, unsigned char c)
{
    if (c < 0x20)
        buf_printf(out, "^%c", c + '@');
    else if (c == 0x7f)
        buf_puts(out, "^?");
    else
        buf_printf(out, "\\x%02X", c);
}

void text_clean(struct buf *out, const char *p, size_t n, unsigned how)
{
    const char *end = p + n;
    while (p < end) {
        const char *at = p;
        size_t k = pass_escape(out, p, (size_t)(end - p), how);
        if (k) {
            p += k;
            continue;
        }
        bool space = (*p == '\n' || *p == '\t') && !(how & TEXT_ONE_LINE);
        int32_t cp = utf8_next(&p, end);
        if (space || (cp >= 0x20 && is_visible(cp, how)))
            buf_add(out, at, (size_t)(p - at));
        else if (cp < 0x80)
            show_byte(out, (unsigned char)*at);
        else
            buf_printf(out, "<U+%04X>", (unsigned)cp);
    }
}

static size_t partial_utf8(const char *p, size_t n)
{
    for (size_t k = 1; k <= 3 && k <= n; k++) {
        unsigned char c = (unsigned char)p[n - k];
        if ((c & 0xc0) == 0x80)
            continue;
        size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        return want > k ? k : 0;
    }
    return 0;
}

size_t text_tail(const char *p, size_t n)
{
    if (n && p[n - 1] == '\r')
        return 1;
    for (size_t k = 1; k <= n && k < TEXT_TAIL_MAX; k++) {
        char c = p[n - k];
        if (c == ESC)
            return k;
        if (c != '[' && c != ';' && (c < '0' || c > '9'))
            break;
    }
    return partial_utf8(p, n);
}

int text_width(const char *s)
{
    const char *end = s + strlen(s);
    int w = 0;
    while (s < end) {
        int32_t cp = utf8_next(&s, end);
        int k = cp < 0 ? 1 : wcwidth((wchar_t)cp);
        w += k > 0 ? k : 0;
    }
    return w;
}

/* Bytes of s that fit in `width` columns; *used is the columns they take. */
static size_t fit(const char *s, int width, int *used)
{
    const char *p = s, *end = s + strlen(s);
    *used = 0;
    while (p < end) {
        const char *next = p;
        int32_t cp = utf8_next(&next, end);
        int k = cp < 0 ? 1 : wcwidth((wchar_t)cp);
        k = k > 0 ? k : 0;
        if (*used + k > width)
            break;
        *used += k;
        p = next;
    }
    return (size_t)(p - s);
}

void text_cell(struct buf *out, const char *s, int width)
{
    int used = text_width(s);
    if (used <= width) {
        buf_puts(out, s);
    } else if (width > 0) {
        size_t n = fit(s, width - 1, &used);
        buf_add(out, s, n);
        buf_puts(out, "…");
        used++;
    }
    for (; used < width; used++)
        buf_addc(out, ' ');
}

void text_duration(struct buf *out, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms < 0)
        buf_puts(out, "-");
    else if (ms < 1000)
        buf_printf(out, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        buf_printf(out, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
    else if (s < 3600)
        buf_printf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else if (s < 48 * 3600)
        buf_printf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    else
        buf_printf(out, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
}

void text_bytes(struct buf *out, int64_t n)
{
    static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    if (n < 1024) {
        buf_printf(out, "%" PRId64 " B", n);
        return;
    }
    while (n >= 1024 * 1024 && u + 1 < ARRAY_LEN(unit)) {
        n /= 1024;
        u++;
    }
    buf_printf(out, "%" PRId64 ".%" PRId64 " %s", n / 1024, n % 1024 * 10 / 1024, unit[u]);
}

void text_count(struct buf *out, int64_t n, const char *one, const char *many)
{
    buf_printf(out, "%" PRId64 " %s", n, n == 1 ? one : many);
}

bool text_is_cut(const char *part, const char *whole)
{
    static const char dots[] = "…";
    size_t n = part ? strlen(part) : 0;
    if (!part || !whole || strcmp(part, whole) == 0)
        return part && whole;
    return str_ends(part, dots) && strncmp(part, whole, n - strlen(dots)) == 0;
}

/* Reads as a name and nothing else: no blank that could begin a column, nothing a shell would take for its own. */
static bool plain_in_name(const char *at, int32_t cp)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%#~^{}[]";
    return cp < 0x80 ? cp > 0 && strchr(plain, *at) : is_visible(cp, 0) && !iswspace((wint_t)cp);
}

static void dollar_quote(struct buf *out, const char *s, const char *end)
{
    buf_puts(out, "$'");
    while (s < end) {
        const char *at = s;
        int32_t cp = utf8_next(&s, end);
        if (cp == '\'' || cp == '\\')
            buf_printf(out, "\\%c", (char)cp);
        else if (cp == '\n')
            buf_puts(out, "\\n");
        else if (cp == '\t')
            buf_puts(out, "\\t");
        else if (cp >= 0x20 && is_visible(cp, 0))
            buf_add(out, at, (size_t)(s - at));
        else
            for (; at < s; at++)
                buf_printf(out, "\\%03o", (unsigned)(unsigned char)*at);
    }
    buf_addc(out, '\'');
}

void text_name(struct buf *out, const char *s, size_t n)
{
    const char *end = s + n;
    bool plain = n > 0, visible = true;
    for (const char *p = s; p < end;) {
        const char *at = p;
        int32_t cp = utf8_next(&p, end);
        plain = plain && plain_in_name(at, cp);
        visible = visible && cp >= 0x20 && is_visible(cp, 0);
    }
    if (plain)
        buf_add(out, s, n);
    else if (visible)
        buf_quote(out, s);
    else
        dollar_quote(out, s, end);
}

static void json_escape(struct buf *out, int32_t cp)
{
    unsigned c = (unsigned)cp;
    if (c >= 0x10000) {
        buf_printf(out, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    buf_printf(out, "\\u%04x", c);
}

void text_json(struct buf *out, const char *p, size_t n)
{
    const char *end = p + n;
    while (p < end) {
        const char *at = p;
        int32_t cp = utf8_next(&p, end);
        if (cp == '\n' || cp == '\t' || (cp >= 0x20 && is_visible(cp, 0)))
            buf_add(out, at, (size_t)(p - at));
        else
            json_escape(out, cp < 0 ? 0xfffd : cp);
    }
}
