/* code - hex and base64 (RFC 4648), strict in decoding: one text per byte string.
 *
 * May include: base.  Pure.  Threads: any.  Declared in str.h. */
#include "base/str.h"
#include <string.h>

void hex_encode(const void *p, size_t n, char *ret)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *s = p;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digit[s[i] >> 4];
        ret[2 * i + 1] = digit[s[i] & 15];
    }
    ret[2 * n] = '\0';
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(const char *s, void *ret, size_t n)
{
    unsigned char *out = ret;
    for (size_t i = 0; i < 2 * n; i++)
        if (s[i] == '\0' || hex_digit(s[i]) < 0)
            return false;
    if (s[2 * n] != '\0')
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(hex_digit(s[2 * i]) << 4 | hex_digit(s[2 * i + 1]));
    return true;
}

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes without padding and without a NUL; returns the length. */
static size_t encode(const unsigned char *s, size_t n, const char *digits, char *out)
{
    size_t o = 0, i = 0;
    for (; i + 2 < n; i += 3) {
        uint32_t v = (uint32_t)s[i] << 16 | (uint32_t)s[i + 1] << 8 | s[i + 2];
        out[o++] = digits[v >> 18];
        out[o++] = digits[v >> 12 & 63];
        out[o++] = digits[v >> 6 & 63];
        out[o++] = digits[v & 63];
    }
    if (i < n) {
        uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0);
        out[o++] = digits[v >> 18];
        out[o++] = digits[v >> 12 & 63];
        if (i + 1 < n)
            out[o++] = digits[v >> 6 & 63];
    }
    return o;
}

static int value(char c, const char *digits)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

/* n characters without padding. -1 on a foreign digit, an impossible length, or bits left over that are not zero. */
static long decode(const char *s, size_t n, const char *digits, unsigned char *out)
{
    uint32_t acc = 0;
    int bits = 0;
    size_t o = 0;
    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int v = value(s[i], digits);
        if (v < 0)
            return -1;
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[o++] = (unsigned char)(acc >> bits);
        }
    }
    return acc & ((1u << bits) - 1) ? -1 : (long)o;
}

size_t b64_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

void b64_encode(const void *p, size_t n, char *ret)
{
    size_t o = encode(p, n, std_digits, ret);
    while (o % 4)
        ret[o++] = '=';
    ret[o] = '\0';
}

long b64_decode(const char *s, void *ret)
{
    size_t n = strlen(s);
    if (n % 4 != 0)
        return -1;
    if (n > 0 && s[n - 1] == '=')
        n -= s[n - 2] == '=' ? 2 : 1;
    return decode(s, n, std_digits, ret);
}

size_t b64url_len(size_t n)
{
    return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

void b64url_encode(const void *p, size_t n, char *ret)
{
    ret[encode(p, n, url_digits, ret)] = '\0';
}

long b64url_decode(const char *s, size_t n, void *ret)
{
    return decode(s, n, url_digits, ret);
}
