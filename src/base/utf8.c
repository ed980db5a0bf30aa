/* utf8 - strict decoding (RFC 3629, table in section 4) and code points that deceive a reader.
 *
 * May include: base.  Pure.  Threads: any.  Declared in str.h. */
#include "base/str.h"

/* Length of the well-formed sequence at p, its code point in *cp; 0 when there is none. */
static size_t sequence(const unsigned char *p, size_t n, int32_t *cp)
{
    unsigned c = p[0];
    if (c < 0x80) {
        *cp = (int32_t)c;
        return 1;
    }
    size_t len = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (len == 0 || n < len)
        return 0;
    /* The second byte shuts out overlongs (E0, F0), surrogates (ED) and what lies past U+10FFFF (F4). */
    unsigned lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < lo || p[1] > hi)
        return 0;
    int32_t v = (int32_t)(c & (0x7fu >> len));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    *cp = v;
    return len;
}

bool utf8_valid(const void *p, size_t n)
{
    const unsigned char *s = p;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        size_t k = s[i] < 0x80 ? 1 : sequence(s + i, n - i, &cp);
        if (k == 0)
            return false;
        i += k;
    }
    return true;
}

int32_t utf8_next(const char **p, const char *end)
{
    int32_t cp = -1;
    size_t k = sequence((const unsigned char *)*p, (size_t)(end - *p), &cp);
    *p += k ? k : 1;
    return k ? cp : -1;
}

bool utf8_deceptive(int32_t cp)
{
    static const struct {
        int32_t lo, hi;
    } bad[] = {
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x034f, 0x034f},   /* combining grapheme joiner */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer inherent vowels */
        {0x180b, 0x180f},   /* Mongolian selectors, vowel separator */
        {0x200b, 0x200f},   /* zero width, LRM, RLM */
        {0x2028, 0x202e},   /* line and paragraph separators, bidi embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, bidi isolates */
        {0x2800, 0x2800},   /* braille blank */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xfe00, 0xfe0f},   /* variation selectors */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xffa0, 0xffa0},   /* half-width Hangul filler */
        {0xfff0, 0xfffb},   /* unassigned specials, interlinear annotation */
        {0x1d173, 0x1d17a}, /* musical format controls */
        {0xe0000, 0xe0fff}, /* tags, more variation selectors */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (cp >= bad[i].lo && cp <= bad[i].hi)
            return true;
    return false;
}
