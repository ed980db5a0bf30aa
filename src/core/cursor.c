/* cursor - see cursor.h.
 *
 * May include: base.  Pure.  Threads: any. */
#include "core/cursor.h"
#include "base/hash.h"
#include "base/str.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define VERSION   1
#define ULID_LEN  16
#define ULID_TEXT 26
#define CRC_LEN   4
#define BYTES_MAX (1 + 9 + 1 + CURSOR_OPEN_MAX * (ULID_LEN + 5 + 5 + 10) + CRC_LEN)
_Static_assert((BYTES_MAX + 2) / 3 * 4 + 1 <= CURSOR_TEXT_MAX, "the longest cursor has room");

/* A ULID is 128 bits in 26 base32 digits (130 bits): the first digit holds the top 3 bits. github.com/ulid/spec */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void ulid_pack(const struct id *id, uint8_t out[ULID_LEN])
{
    unsigned acc = 0, bits = 0;
    size_t o = 0;

    for (int i = 0; i < ULID_TEXT; i++) {
        const char *at = strchr(digits, id->s[ID_LEN - ULID_TEXT + i]);
        acc = (acc << 5 | (unsigned)(at - digits)) & 0xfff;
        bits += i ? 5 : 3;
        if (bits >= 8) {
            bits -= 8;
            out[o++] = (uint8_t)(acc >> bits);
        }
    }
}

static void ulid_unpack(const uint8_t in[ULID_LEN], struct id *ret)
{
    unsigned acc = 0, bits = 2;
    char *to = ret->s;

    *ret = (struct id){""};
    memcpy(to, ID_STEP "_", ID_LEN - ULID_TEXT);
    to += ID_LEN - ULID_TEXT;
    for (int i = 0; i < ULID_LEN; i++) {
        acc = (acc << 8 | in[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            *to++ = digits[acc >> (bits - 5) & 31];
    }
}

/* Index of the first entry that is not before the step. */
static size_t place(const struct cursor *c, const struct id *step)
{
    size_t i = 0;

    while (i < c->n && strcmp(c->open[i].step.s, step->s) < 0)
        i++;
    return i;
}

struct cursor_open *cursor_find(struct cursor *c, const struct id *step)
{
    size_t i = place(c, step);

    return i < c->n && id_eq(&c->open[i].step, step) ? &c->open[i] : NULL;
}

int cursor_open_step(struct cursor *c, const struct id *step, int index, int attempt, uint64_t offset, struct err *e)
{
    struct id id;

    if (!id_parse(ID_STEP, step->s, &id) || index < 0 || attempt < 0)
        return err_set(e, ERR_INVALID, "a cursor holds attempts of steps only");
    struct cursor_open *at = cursor_find(c, &id);
    if (!at) {
        if (c->n == CURSOR_OPEN_MAX)
            return err_set(e, ERR_TOO_LARGE, "more than %d steps are open in one stream", CURSOR_OPEN_MAX);
        at = &c->open[place(c, &id)];
        memmove(at + 1, at, (size_t)(&c->open[c->n] - at) * sizeof *at);
        c->n++;
    }
    *at = (struct cursor_open){id, index, attempt, offset};
    return 0;
}

void cursor_close_step(struct cursor *c, const struct id *step)
{
    struct cursor_open *at = cursor_find(c, step);

    if (!at)
        return;
    c->n--;
    memmove(at, at + 1, (size_t)(&c->open[c->n] - at) * sizeof *at);
    memset(&c->open[c->n], 0, sizeof *at);
}

static size_t put_varint(uint8_t *out, uint64_t v)
{
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

static uint32_t check_sum(const struct id *stream, const uint8_t *p, size_t n)
{
    return crc32c(crc32c(0, stream->s, strlen(stream->s)), p, n);
}

void cursor_encode(const struct cursor *c, const struct id *stream, char ret[CURSOR_TEXT_MAX])
{
    uint8_t b[BYTES_MAX];
    size_t n = 0;

    assert(c->n <= CURSOR_OPEN_MAX && c->seq >= 0);
    b[n++] = VERSION;
    n += put_varint(b + n, (uint64_t)c->seq);
    b[n++] = (uint8_t)c->n;
    for (size_t i = 0; i < c->n; i++) {
        ulid_pack(&c->open[i].step, b + n);
        n += ULID_LEN;
        n += put_varint(b + n, (uint64_t)c->open[i].index);
        n += put_varint(b + n, (uint64_t)c->open[i].attempt);
        n += put_varint(b + n, c->open[i].offset);
    }
    uint32_t crc = check_sum(stream, b, n);
    for (int i = 0; i < CRC_LEN; i++)
        b[n++] = (uint8_t)(crc >> (8 * i));
    b64url_encode(b, n, ret);
}

struct reader {
    const uint8_t *p, *end;
};

/* false at the end of the bytes, above max, or when a shorter form exists. */
static bool get_varint(struct reader *r, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        uint8_t c = *r->p++;
        if (shift == 63 && c > 1)
            return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c & 0x80)
            continue;
        if ((shift && c == 0) || v > max)
            return false;
        *ret = v;
        return true;
    }
    return false;
}

static bool get_open(struct reader *r, struct cursor *c)
{
    struct id step;
    uint64_t index, attempt, offset;

    if (r->end - r->p < ULID_LEN)
        return false;
    ulid_unpack(r->p, &step);
    r->p += ULID_LEN;
    if (!get_varint(r, INT32_MAX, &index) || !get_varint(r, INT32_MAX, &attempt) || !get_varint(r, UINT64_MAX, &offset))
        return false;
    if (c->n && strcmp(c->open[c->n - 1].step.s, step.s) >= 0)
        return false;
    c->open[c->n++] = (struct cursor_open){step, (int32_t)index, (int32_t)attempt, offset};
    return true;
}

static bool get_cursor(struct reader *r, struct cursor *c)
{
    uint64_t seq;

    if (r->p == r->end || *r->p++ != VERSION || !get_varint(r, INT64_MAX, &seq) || r->p == r->end)
        return false;
    c->seq = (int64_t)seq;
    size_t n = *r->p++;
    if (n > CURSOR_OPEN_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!get_open(r, c))
            return false;
    return r->p == r->end;
}

int cursor_decode(const char *text, const struct id *stream, struct cursor *ret, struct err *e)
{
    uint8_t b[CURSOR_TEXT_MAX / 4 * 3]; /* whatever a text of that length decodes to */
    struct cursor c = {0};
    size_t len = strnlen(text, CURSOR_TEXT_MAX);

    long n = len < CURSOR_TEXT_MAX ? b64url_decode(text, len, b) : -1;
    if (n < CRC_LEN)
        return err_set(e, ERR_CURSOR, "the cursor is damaged: send it back as it was received");
    size_t body = (size_t)n - CRC_LEN;
    uint32_t crc = 0;
    for (int i = 0; i < CRC_LEN; i++)
        crc |= (uint32_t)b[body + (size_t)i] << (8 * i);
    if (crc != check_sum(stream, b, body))
        return err_set(e, ERR_CURSOR, "the cursor is damaged or belongs to another stream than %s", stream->s);
    struct reader r = {b, b + body};
    if (!get_cursor(&r, &c))
        return err_set(e, ERR_CURSOR, "the cursor is not one this version writes");
    *ret = c;
    return 0;
}
