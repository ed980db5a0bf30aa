/* http_chunk - see http_chunk.h. */
#include "base/str.h"
#include "net/http_char.h"
#include "net/http_chunk.h"

/* A byte of the size line before its CR. */
static enum http_chunk_state size_byte(struct http_chunk *k, char c)
{
    int v = hex_digit(c);
    if (v >= 0 && k->digits < 8) {
        k->left = k->left * 16 + (uint64_t)v;
        k->digits++;
        return HTTP_CHUNK_SIZE;
    }
    if (k->digits == 0 || v >= 0)
        return HTTP_CHUNK_BAD;
    if (c == ';')
        return HTTP_CHUNK_EXT;
    return c == '\r' ? HTTP_CHUNK_SIZE_LF : HTTP_CHUNK_BAD;
}

static enum http_chunk_state ext_byte(struct http_chunk *k, char c)
{
    if (c == '\r')
        return HTTP_CHUNK_SIZE_LF;
    if (++k->ext > HTTP_CHUNK_EXT_MAX || (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f)
        return HTTP_CHUNK_BAD;
    return HTTP_CHUNK_EXT;
}

static enum http_chunk_state size_done(struct http_chunk *k)
{
    k->digits = 0;
    if (k->left == 0)
        return HTTP_CHUNK_LAST_CR;
    k->total += k->left; /* both below 2^33: max is checked at every chunk */
    return k->total > k->max ? HTTP_CHUNK_LARGE : HTTP_CHUNK_DATA;
}

static enum http_chunk_state step(struct http_chunk *k, char c)
{
    switch (k->state) {
    case HTTP_CHUNK_SIZE:
        return size_byte(k, c);
    case HTTP_CHUNK_EXT:
        return ext_byte(k, c);
    case HTTP_CHUNK_SIZE_LF:
        return c == '\n' ? size_done(k) : HTTP_CHUNK_BAD;
    case HTTP_CHUNK_DATA_CR:
        return c == '\r' ? HTTP_CHUNK_DATA_LF : HTTP_CHUNK_BAD;
    case HTTP_CHUNK_DATA_LF:
        return c == '\n' ? HTTP_CHUNK_SIZE : HTTP_CHUNK_BAD;
    case HTTP_CHUNK_LAST_CR:
        return c == '\r' ? HTTP_CHUNK_LAST_LF : HTTP_CHUNK_BAD;
    case HTTP_CHUNK_LAST_LF:
        return c == '\n' ? HTTP_CHUNK_DONE : HTTP_CHUNK_BAD;
    default:
        return HTTP_CHUNK_BAD;
    }
}

size_t http_chunk_feed(struct http_chunk *k, const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && k->state < HTTP_CHUNK_DONE) {
        if (k->state == HTTP_CHUNK_DATA) {
            size_t take = k->left < n - i ? (size_t)k->left : n - i;
            k->left -= take;
            i += take;
            if (k->left == 0)
                k->state = HTTP_CHUNK_DATA_CR;
        } else {
            k->state = step(k, p[i++]);
        }
    }
    return i;
}
