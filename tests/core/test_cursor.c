/* Cursors: known texts, every damaged text refused, order of entries, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/hash.h"
#include "base/str.h"
#include "core/cursor.h"

static const struct id run_a = {"run_01JD5ZK8V0A1B2C3D4E5F6G7H8"}, run_b = {"run_01JD5ZK8V0A1B2C3D4E5F6G7H9"};

static struct id step(unsigned n)
{
    uint8_t rnd[10] = {(uint8_t)n, (uint8_t)(n >> 8), 1, 2, 3, 4, 5, 6, 7, (uint8_t)(n * 7)};
    struct id id;

    id_make(ID_STEP, 1700000000000 + (int64_t)n, rnd, &id);
    return id;
}

static void same(const struct cursor *a, const struct cursor *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_string_equal(a->open[i].step.s, b->open[i].step.s);
        assert_int_equal(a->open[i].index, b->open[i].index);
        assert_int_equal(a->open[i].attempt, b->open[i].attempt);
        assert_true(a->open[i].offset == b->open[i].offset);
    }
}

static void round_trip(const struct cursor *c)
{
    char text[CURSOR_TEXT_MAX], again[CURSOR_TEXT_MAX];
    struct cursor back;
    struct err e = ERR_INIT;

    cursor_encode(c, &run_a, text);
    size_t n = strlen(text);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), n);
    assert_int_equal(cursor_decode(text, &run_a, &back, &e), 0);
    same(c, &back);
    cursor_encode(&back, &run_a, again);
    assert_string_equal(text, again);
    assert_int_equal(cursor_decode(text, &run_b, &back, &e), -ERR_CURSOR);
    assert_non_null(strstr(e.msg, run_b.s));
    same(c, &back);
}

/* Computed with Python: bytes as drawn in cursor.h, crc32c bit by bit (polynomial 0x82f63b78),
 * base64.urlsafe_b64encode. */
static void known_texts(void **state)
{
    struct cursor c = {0}, back;
    struct id a = {"stp_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"}, b = {"stp_01JD5ZK8V0A1B2C3D4E5F6G7H8"};
    char text[CURSOR_TEXT_MAX];

    cursor_encode(&c, &run_a, text);
    assert_string_equal(text, "AQAAMaZ4Bw");
    c.seq = 300;
    assert_int_equal(cursor_open_step(&c, &a, 0, 1, 8, NULL), 0);
    assert_int_equal(cursor_open_step(&c, &b, 200, 2, UINT64_MAX, NULL), 0);
    cursor_encode(&c, &run_a, text);
    assert_string_equal(text, "AawCAgGTS_mjYFBWJg2kcV5oHijIAQL___________8B_____________________wABCPti8Cg");
    assert_int_equal(cursor_decode(text, &run_a, &back, NULL), 0);
    same(&c, &back);
}

static void round_trips(void **state)
{
    static const int64_t seqs[] = {0, 1, 127, 128, 16383, 16384, INT32_MAX, INT64_MAX};
    static const uint64_t offsets[] = {0, 8, 127, 128, 1ull << 35, 1ull << 63, UINT64_MAX};

    for (size_t i = 0; i < ARRAY_LEN(seqs); i++) {
        struct cursor c = {0};
        c.seq = seqs[i];
        round_trip(&c);
        for (size_t k = 0; k < ARRAY_LEN(offsets); k++) {
            struct id s = step((unsigned)(i * 100 + k));
            assert_int_equal(
                cursor_open_step(&c, &s, k % 3 ? INT32_MAX : 128, k % 2 ? INT32_MAX : (int)k, offsets[k], NULL), 0);
            round_trip(&c);
        }
    }
}

static void order_does_not_matter(void **state)
{
    struct cursor up = {0}, down = {0};
    char a[CURSOR_TEXT_MAX], b[CURSOR_TEXT_MAX];

    for (int i = 0; i < 10; i++) {
        struct id s = step((unsigned)i), t = step(9 - (unsigned)i);
        assert_int_equal(cursor_open_step(&up, &s, i, 1, (uint64_t)i, NULL), 0);
        assert_int_equal(cursor_open_step(&down, &t, 9 - i, 1, (uint64_t)(9 - i), NULL), 0);
    }
    cursor_encode(&up, &run_a, a);
    cursor_encode(&down, &run_a, b);
    assert_string_equal(a, b);
    assert_int_equal(up.n, 10);
}

static void open_find_close(void **state)
{
    struct cursor c = {0};
    struct id s = step(1), other = step(2), none = {""};
    struct err e = ERR_INIT;

    assert_null(cursor_find(&c, &s));
    assert_int_equal(cursor_open_step(&c, &s, 3, 1, 8, &e), 0);
    assert_int_equal(cursor_find(&c, &s)->offset, 8);
    cursor_find(&c, &s)->offset = 64;
    assert_int_equal(cursor_open_step(&c, &s, 3, 2, 9, &e), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(cursor_find(&c, &s)->attempt, 2);
    assert_int_equal(cursor_find(&c, &s)->index, 3);
    assert_int_equal(cursor_find(&c, &s)->offset, 9);
    assert_null(cursor_find(&c, &other));
    cursor_close_step(&c, &other);
    assert_int_equal(c.n, 1);
    cursor_close_step(&c, &s);
    assert_int_equal(c.n, 0);
    cursor_close_step(&c, &s);
    assert_int_equal(cursor_open_step(&c, &run_a, 0, 1, 0, &e), -ERR_INVALID);
    assert_int_equal(cursor_open_step(&c, &none, 0, 1, 0, &e), -ERR_INVALID);
    assert_int_equal(cursor_open_step(&c, &s, 0, -1, 0, &e), -ERR_INVALID);
    assert_int_equal(cursor_open_step(&c, &s, -1, 1, 0, &e), -ERR_INVALID);
    assert_int_equal(c.n, 0);
}

static void full(void **state)
{
    struct cursor c = {0};
    struct id s;
    struct err e = ERR_INIT;

    c.seq = INT64_MAX;
    for (unsigned i = 0; i < CURSOR_OPEN_MAX; i++) {
        s = step(i * 37 % 64);
        assert_int_equal(cursor_open_step(&c, &s, INT32_MAX, INT32_MAX, UINT64_MAX, &e), 0);
    }
    round_trip(&c);
    s = step(900);
    assert_int_equal(cursor_open_step(&c, &s, 1, 1, 8, &e), -ERR_TOO_LARGE);
    s = step(5);
    assert_int_equal(cursor_open_step(&c, &s, 1, 1, 9, &e), 0);
    cursor_close_step(&c, &s);
    assert_int_equal(c.n, CURSOR_OPEN_MAX - 1);
    round_trip(&c);
}

static void refused(const char *text)
{
    struct cursor c = {.seq = 42};
    struct err e = ERR_INIT;

    if (cursor_decode(text, &run_a, &c, &e) != -ERR_CURSOR)
        fail_msg("was taken: %s", text);
    assert_int_equal(c.seq, 42);
    assert_true(e.msg[0]);
}

static void damaged_texts(void **state)
{
    static const char *const bad[] = {"",    "A",        "AA",   "AAAA", "AAAAAAAA", "AQAA",
                                      "x y", "AQAA====", "\xff", "ÄÖ",   "null",     "../.."};
    struct cursor c = {0};
    struct id s = step(3);
    char text[CURSOR_TEXT_MAX + 8], copy[CURSOR_TEXT_MAX + 8];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(bad[i]);
    c.seq = 1234;
    assert_int_equal(cursor_open_step(&c, &s, 0, 1, 999, NULL), 0);
    cursor_encode(&c, &run_a, text);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, text, n + 1);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            refused(copy);
        }
        memcpy(copy, text, n + 1);
        copy[i] = '\0';
        refused(copy);
    }
    for (const char *tail = "A=-\n "; *tail; tail++) {
        snprintf(copy, sizeof copy, "%s%c", text, *tail);
        refused(copy);
    }
    for (n = sizeof text - 1; n > CURSOR_TEXT_MAX - 12; n--) {
        memset(text, 'A', n);
        text[n] = '\0';
        refused(text);
    }
}

/* Right checksum, wrong shape: a version to come, long varints, entries out of order, bytes too many. */
static void forged_texts(void **state)
{
    static const struct {
        uint8_t b[48];
        size_t n;
    } row[] = {
        {{0}, 0},
        {{1}, 1},
        {{1, 0}, 2},
        {{2, 0, 0}, 3},                                                        /* version */
        {{1, 0x80, 0, 0}, 4},                                                  /* long form of 0 */
        {{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0}, 12}, /* seq above INT64_MAX */
        {{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0}, 12}, /* beyond 64 bits */
        {{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 13},
        {{1, 0, 0, 0}, 4},                                          /* one byte too many */
        {{1, 0, 65}, 3},                                            /* too many entries */
        {{1, 0, 1}, 3},                                             /* entry missing */
        {{1, 0, 1, [20] = 1}, 21},                                  /* offset missing */
        {{1, 0, 1, [19] = 0xff, 0xff, 0xff, 0xff, 0x08, 1, 8}, 26}, /* index above INT32_MAX */
        {{1, 0, 1, [20] = 0xff, 0xff, 0xff, 0xff, 0x08, 8}, 26},    /* attempt above INT32_MAX */
        {{1, 0, 2, [20] = 1, 8, [39] = 1, 8}, 41},                  /* the same twice */
        {{1, 0, 2, [3] = 1, [20] = 1, 8, [39] = 1, 8}, 41},         /* descending */
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint8_t b[64];
        char text[128];
        memcpy(b, row[i].b, row[i].n);
        uint32_t crc = crc32c(crc32c(0, run_a.s, ID_LEN), b, row[i].n);
        for (size_t k = 0; k < 4; k++)
            b[row[i].n + k] = (uint8_t)(crc >> (8 * k));
        b64url_encode(b, row[i].n + 4, text);
        refused(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),     cmocka_unit_test(round_trips), cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(open_find_close), cmocka_unit_test(full),        cmocka_unit_test(damaged_texts),
        cmocka_unit_test(forged_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
