/* id - see id.h. Layout of the 26 characters: 10 of time (48 bits), 16 of randomness (80 bits),
 * most significant first, so ids sort by time as text.
 *
 * May include: base.  Pure.  Threads: any. */
#include "base/id.h"
#include <assert.h>
#include <string.h>

/* Crockford: no I L O U. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void put(char *p, uint64_t v, int n)
{
    while (n-- > 0) {
        p[n] = digits[v & 31];
        v >>= 5;
    }
}

void id_make(const char *prefix, int64_t now_ms, const uint8_t rnd[10], struct id *ret)
{
    uint64_t half[2] = {0, 0}; /* 40 bits each: 8 characters */
    assert(strlen(prefix) == 3);
    for (int i = 0; i < 10; i++)
        half[i / 5] = half[i / 5] << 8 | rnd[i];
    *ret = (struct id){""};
    memcpy(ret->s, prefix, 3);
    ret->s[3] = '_';
    put(ret->s + 4, (uint64_t)now_ms & 0xffffffffffff, 10);
    put(ret->s + 14, half[0], 8);
    put(ret->s + 22, half[1], 8);
}

bool id_parse(const char *prefix, const char *s, struct id *ret)
{
    if (!s || strnlen(s, ID_LEN + 1) != ID_LEN || memcmp(s, prefix, 3) != 0 || s[3] != '_')
        return false;
    if (s[4] > '7') /* 26 characters hold 130 bits; a ULID has 128 */
        return false;
    for (int i = 4; i < ID_LEN; i++)
        if (!strchr(digits, s[i]))
            return false;
    *ret = (struct id){""};
    memcpy(ret->s, s, ID_LEN);
    return true;
}

bool id_eq(const struct id *a, const struct id *b)
{
    return strcmp(a->s, b->s) == 0;
}

bool id_none(const struct id *a)
{
    return a->s[0] == '\0';
}
