/* mask: every split, overlaps, encoded forms, a naive oracle, and bounds on what is held back. */
#include "check.h"
#include "base/fault.h"
#include "base/str.h"
#include "os/mask.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct mask *masker(const char *const *secrets, size_t n)
{
    struct mask_secret s[16];
    struct mask *m = NULL;
    for (size_t i = 0; i < n; i++)
        s[i] = (struct mask_secret){secrets[i], strlen(secrets[i])};
    assert_int_equal(mask_new(s, n, &m, NULL), 0);
    return m;
}

/* Three pieces: [0, a) [a, b) [b, n). */
static void masked(struct mask *m, const char *p, size_t n, size_t a, size_t b, struct buf *out)
{
    buf_reset(out);
    mask_feed(m, p, a, out);
    mask_feed(m, p + a, b - a, out);
    mask_feed(m, p + b, n - b, out);
    mask_flush(m, out);
    buf_add(out, "", 0);
}

static const char *const some[] = {"hunter2", "abcdef", "defghi",    "secret-token-0123456789",
                                   "s3cr",    "aaaa",   "secret-tok"};

static void every_split(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"hunter2", "***"},
        {"the hunter2 password", "the *** password"},
        {"hunter", "hunter"},
        {"hunter2hunter2", "******"},
        {"huntehunter2", "hunte***"},
        {"xabcdefghix", "x***x"},
        {"abcdef defghi", "*** ***"},
        {"abcdeabcdef", "abcde***"},
        {"aaaaaaaaa", "***"},
        {"aaa", "aaa"},
        {"baaaab", "b***b"},
        {"secret-token-0123456789!", "***!"},
        {"secret-token-012345678!", "***en-012345678!"},
        {"secret-tosecret-token-0123456789", "secret-to***"},
        {"s3cr3t", "***3t"},
        {"hunter2\nhunter2\n", "***\n***\n"},
    };
    struct mask *m = masker(some, ARRAY_LEN(some));
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i][0]);
        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b++) {
                masked(m, rows[i][0], n, a, b, &out);
                if (strcmp(out.p, rows[i][1]) != 0)
                    fail_msg("%s cut at %zu, %zu: %s", rows[i][0], a, b, out.p);
            }
    }
    mask_free(m);
}

/* What stays secret is held back; nothing else, and at most one secret's length - 1. */
static void holds_back_no_more_than_needed(void **state)
{
    struct mask *m = masker(some, ARRAY_LEN(some));
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    mask_feed(m, "plain text\n", 11, &out);
    assert_string_equal(out.p, "plain text\n");
    buf_reset(&out);
    mask_feed(m, "xhunter", 7, &out);
    assert_string_equal(out.p, "x");
    mask_feed(m, "2", 1, &out); /* a whole secret shows at once */
    assert_string_equal(out.p, "x***");
    mask_feed(m, "\n$ hunt", 7, &out);
    assert_string_equal(out.p, "x***\n$ ");
    mask_feed(m, "ing", 3, &out);
    assert_string_equal(out.p, "x***\n$ hunting");
    mask_feed(m, "abcde", 5, &out);
    mask_flush(m, &out);
    assert_string_equal(out.p, "x***\n$ huntingabcde");
    mask_feed(m, "f", 1, &out); /* after a flush a new stream begins */
    assert_string_equal(out.p, "x***\n$ huntingabcdef");
    mask_free(m);
}

static void short_ones_are_ignored(void **state)
{
    static const char *const tiny[] = {"", "a", "abc", "true"};
    struct mask *m = masker(tiny, 4);
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    masked(m, "abc a true", 10, 3, 8, &out);
    assert_string_equal(out.p, "abc a ***");
    mask_free(m);
    m = masker(tiny, 3);
    masked(m, "abc a true", 10, 3, 8, &out);
    assert_string_equal(out.p, "abc a true");
    mask_free(m);
    mask_free(NULL);
    struct mask *none = NULL;
    assert_int_equal(mask_new(NULL, 0, &none, NULL), 0);
    masked(none, "x\0y", 3, 1, 2, &out);
    assert_int_equal(out.len, 3);
    mask_free(none);
}

static void binary_secrets(void **state)
{
    static const char raw[] = "\0\xff\0\x80\n";
    struct mask_secret s = {raw, 5};
    struct mask *m = NULL;
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    assert_int_equal(mask_new(&s, 1, &m, NULL), 0);
    masked(m, "a\0\xff\0\x80\nb\0\xff", 9, 3, 4, &out);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.p, "a***b\0\xff", 7);
    mask_free(m);
}

static void url_forms(void **state)
{
    static const char *const secrets[] = {"p@ss/w ord+é", "plainsecret"};
    static const char *const rows[][2] = {
        {"?k=p%40ss%2Fw%20ord%2B%C3%A9&x", "?k=***&x"},
        {"?k=p%40ss%2fw%20ord%2b%c3%a9&x", "?k=***&x"},
        {"p@ss/w ord+é", "***"},
        {"?k=plainsecret", "?k=***"},
    };
    struct mask *m = masker(secrets, 2);
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        masked(m, rows[i][0], strlen(rows[i][0]), 5, 9, &out);
        assert_string_equal(out.p, rows[i][1]);
    }
    mask_free(m);
}

/* A key of several lines, as a step prints it into a pipe and into a terminal. */
static void lines_in_a_terminal(void **state)
{
    static const char *const secrets[] = {"-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n", "one\r\ntwo"};
    static const char *const rows[][2] = {
        {"$ -----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n$ ", "$ ***$ "},
        {"$ -----BEGIN KEY-----\r\nabcdefgh\r\n-----END KEY-----\r\n$ ", "$ ***$ "},
        {"one\r\ntwo one\r\r\ntwo one\ntwo", "*** *** one\ntwo"},
        {"plain\r\nlines\r\n", "plain\r\nlines\r\n"},
    };
    struct mask *m = masker(secrets, 2);
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        masked(m, rows[i][0], strlen(rows[i][0]), 5, 9, &out);
        assert_string_equal(out.p, rows[i][1]);
    }
    mask_free(m);
}

/* base64 alone, and of "user:secret" and the like at every alignment, in both alphabets. */
static void base64_forms(void **state)
{
    static const char secret[] = "hunter2-\xff\xfe\xfb-correct-horse";
    static const char *const around[] = {"", "u", "us", "use", "user:", "\xff\xff", "12345678"};
    size_t n = sizeof secret - 1;
    struct mask_secret s = {secret, n};
    struct mask *m = NULL;
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    char alone[64], text[128];
    assert_int_equal(mask_new(&s, 1, &m, NULL), 0);
    b64_encode(secret, n, alone);
    masked(m, alone, strlen(alone), 7, 9, &out);
    assert_string_equal(out.p, "***");
    b64url_encode(secret, n, text);
    masked(m, text, strlen(text), 7, 9, &out);
    assert_string_equal(out.p, "***");
    for (size_t i = 0; i < ARRAY_LEN(around); i++)
        for (size_t k = 0; k < ARRAY_LEN(around); k++)
            for (int url = 0; url < 2; url++) {
                char plain[64];
                int len = snprintf(plain, sizeof plain, "%s%s%s", around[i], secret, around[k]);
                (url ? b64url_encode : b64_encode)(plain, (size_t)len, text);
                masked(m, text, strlen(text), 11, 12, &out);
                assert_non_null(strstr(out.p, "***"));
                /* Only digits that carry a bit of a neighbour (or padding) may show. */
                size_t lead = (strlen(around[i]) * 8 + 5) / 6, tail = strlen(text) - (strlen(around[i]) + n) * 8 / 6;
                if (out.len > lead + 3 + tail)
                    fail_msg("%s shows too much of %s", out.p, text);
            }
    mask_free(m);
}

#define LONG_TEXT 4096

/* The definition: every occurrence of every secret is covered; what overlaps is one stretch. */
static void naive(const char *const *secrets, size_t ns, const char *p, size_t n, struct buf *out)
{
    static unsigned char cov[LONG_TEXT], first[LONG_TEXT];
    memset(cov, 0, n);
    memset(first, 0, n);
    for (size_t end = 0; end < n; end++)
        for (size_t k = 0; k < ns; k++) {
            size_t len = strlen(secrets[k]);
            if (len > end + 1 || memcmp(p + end + 1 - len, secrets[k], len) != 0)
                continue;
            size_t from = end + 1 - len;
            first[from] |= !cov[from];
            memset(first + from + 1, 0, len - 1);
            memset(cov + from, 1, len);
        }
    buf_reset(out);
    for (size_t i = 0; i < n; i++)
        if (!cov[i])
            buf_addc(out, p[i]);
        else if (first[i])
            buf_puts(out, "***");
    buf_add(out, "", 0);
}

static uint64_t rnd(uint64_t *x)
{
    *x = *x * 6364136223846793005ull + 1442695040888963407ull;
    return *x >> 33;
}

static void as_defined(void **state)
{
    uint64_t x = 42;
    AUTO(buf_fini) struct buf got = BUF_INIT(1000), want = BUF_INIT(1000);
    for (int round = 0; round < 400; round++) {
        char text[5][12] = {""};
        const char *secrets[5];
        size_t ns = 1 + rnd(&x) % 5;
        for (size_t k = 0; k < ns; k++) {
            size_t len = 4 + rnd(&x) % 5;
            for (size_t i = 0; i < len; i++)
                text[k][i] = (char)('a' + rnd(&x) % 2);
            secrets[k] = text[k];
        }
        struct mask *m = masker(secrets, ns);
        for (int i = 0; i < 50; i++) {
            char p[61] = "";
            size_t n = rnd(&x) % 60;
            for (size_t k = 0; k < n; k++)
                p[k] = (char)('a' + (rnd(&x) % 9) / 4);
            size_t a = n ? rnd(&x) % n : 0, b = a + (n - a ? rnd(&x) % (n - a) : 0);
            masked(m, p, n, a, b, &got);
            naive(secrets, ns, p, n, &want);
            if (strcmp(got.p, want.p) != 0)
                fail_msg("%s: %s, not %s", p, got.p, want.p);
        }
        mask_free(m);
    }
}

/* Mostly bytes of no secret, some letters of theirs, and whole, cut and run-together secrets at any distance. */
static size_t long_text(uint64_t *x, const char *const *secrets, size_t ns, char *p)
{
    size_t n = 0, want = rnd(x) % LONG_TEXT;
    while (n < want) {
        const char *s = secrets[rnd(x) % ns];
        size_t len = strlen(s), kind = rnd(x) % 8;
        if (kind == 0)
            for (size_t i = rnd(x) % 200; i > 0 && n < want; i--)
                p[n++] = (char)(0x80 + rnd(x) % 128);
        else if (kind < 5)
            for (size_t i = rnd(x) % 40; i > 0 && n < want; i--)
                p[n++] = (char)('a' + rnd(x) % 7);
        else
            for (size_t i = kind == 5 ? rnd(x) % len : 0; i < (kind == 6 ? rnd(x) % len : len) && n < want; i++)
                p[n++] = s[i];
    }
    return n;
}

/* Fed in up to eight pieces, as pipes give them. */
static void masked_in_pieces(struct mask *m, uint64_t *x, const char *p, size_t n, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0, left = 8; i < n; left--) {
        size_t part = left == 1 ? n - i : rnd(x) % (n - i + 1);
        part = rnd(x) % 3 ? part : part % 8;
        part = left == 1 ? n - i : part;
        mask_feed(m, p + i, part, out);
        i += part;
    }
    mask_flush(m, out);
    buf_add(out, "", 0);
}

static void as_defined_in_long_texts(void **state)
{
    static char p[LONG_TEXT];
    uint64_t x = 4242;
    AUTO(buf_fini) struct buf got = BUF_INIT(2 * LONG_TEXT), want = BUF_INIT(2 * LONG_TEXT);
    for (int round = 0; round < 300; round++) {
        char text[12][48] = {""};
        const char *secrets[12];
        size_t ns = 1 + rnd(&x) % 12, least = 4 + rnd(&x) % 10; /* short blocks in some rounds, long ones in others */
        for (size_t k = 0; k < ns; k++) {
            size_t len = least + rnd(&x) % 30;
            for (size_t i = 0; i < len; i++)
                text[k][i] = (char)('a' + rnd(&x) % 7);
            secrets[k] = text[k];
        }
        struct mask *m = masker(secrets, ns);
        for (int i = 0; i < 10; i++) {
            size_t n = long_text(&x, secrets, ns, p);
            masked_in_pieces(m, &x, p, n, &got);
            naive(secrets, ns, p, n, &want);
            if (got.len != want.len || memcmp(got.p, want.p, got.len) != 0)
                fail_msg("round %d, text %d: %zu bytes, should be %zu or others", round, i, got.len, want.len);
        }
        mask_free(m);
    }
}

/* So many secrets that nearly every block begins one: the bitmap is of no use, and none is missed. */
static void very_many_secrets(void **state)
{
    static char text[256][200];
    static struct mask_secret s[256];
    struct mask *m = NULL;
    uint64_t x = 7;
    AUTO(buf_fini) struct buf out = BUF_INIT(1000);
    for (size_t k = 0; k < 256; k++) {
        for (size_t i = 0; i < 200; i++)
            text[k][i] = (char)(1 + rnd(&x) % 255);
        s[k] = (struct mask_secret){text[k], 200};
    }
    assert_int_equal(mask_new(s, 256, &m, NULL), 0);
    for (size_t k = 0; k < 256; k++) {
        buf_reset(&out);
        mask_feed(m, "a long enough beginning for a window of thirty-two bytes,  ", 58, &out);
        mask_feed(m, text[k], 200, &out);
        mask_feed(m, ".", 1, &out);
        mask_flush(m, &out);
        assert_int_equal(out.len, 62);
        assert_memory_equal(out.p + 58, "***.", 4);
    }
    mask_free(m);
}

static void clones_are_apart(void **state)
{
    struct mask *m = masker(some, ARRAY_LEN(some)), *c = NULL;
    AUTO(buf_fini) struct buf out = BUF_INIT(1000), err = BUF_INIT(1000);
    mask_feed(m, "hunt", 4, &out);
    assert_int_equal(mask_clone(m, &c, NULL), 0);
    mask_feed(c, "er2 hunter", 10, &err);
    mask_free(m);
    mask_feed(c, "2", 1, &err);
    mask_flush(c, &err);
    assert_string_equal(err.p, "er2 ***");
    assert_int_equal(out.len, 0);
    mask_free(c);
}

static void limits(void **state)
{
    static char big[64 * 1024 + 1];
    struct mask_secret s[257];
    struct mask *m = NULL;
    memset(big, 'k', sizeof big);
    for (size_t i = 0; i < 257; i++)
        s[i] = (struct mask_secret){big + i, 4};
    assert_int_equal(mask_new(s, 257, &m, NULL), -ERR_INVALID);
    assert_int_equal(mask_new(&(struct mask_secret){big, sizeof big}, 1, &m, NULL), -ERR_INVALID);
    assert_int_equal(mask_new(&(struct mask_secret){big, SIZE_MAX}, 1, &m, NULL), -ERR_INVALID);
    assert_null(m);
    assert_int_equal(mask_new(s, 256, &m, NULL), 0);
    mask_free(m);
}

/* The largest secret, one that overlaps itself at each byte: time stays in proportion. */
static void no_bombs(void **state)
{
    size_t n = 64 * 1024;
    char *big = malloc(n);
    memset(big, 'k', n);
    struct mask *m = NULL;
    clock_t from = clock();
    assert_int_equal(mask_new(&(struct mask_secret){big, n}, 1, &m, NULL), 0);
    AUTO(buf_fini) struct buf out = BUF_INIT(10 * n);
    for (int i = 0; i < 8; i++)
        mask_feed(m, big, n, &out);
    mask_feed(m, "!", 1, &out);
    big[n - 1] = 'x';
    mask_feed(m, big, n, &out);
    mask_flush(m, &out);
    assert_int_equal(out.len, 4 + n);
    assert_memory_equal(out.p, "***!kkk", 7);
    assert_true((clock() - from) / CLOCKS_PER_SEC < 5);
    mask_free(m);
    free(big);
}

static void out_of_memory(void **state)
{
#ifdef SALLYPORT_FAULTS
    struct mask_secret s[] = {{"hunter2", 7}, {"a much longer secret to make the trie grow once or twice or more", 64}};
    int n = 0;
    do {
        struct mask *m = NULL;
        fault_arm_nth("alloc", ++n);
        int r = mask_new(s, 2, &m, NULL);
        assert_int_equal(r, fault_fired() ? -ERR_OOM : 0);
        mask_free(m);
    } while (fault_fired());
    assert_true(n > 5);
    fault_arm("");
    struct mask *m = NULL, *c = NULL;
    assert_int_equal(mask_new(s, 2, &m, NULL), 0);
    fault_arm_nth("alloc", 1);
    assert_int_equal(mask_clone(m, &c, NULL), -ERR_OOM);
    fault_arm("");
    mask_free(m);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split),
        cmocka_unit_test(holds_back_no_more_than_needed),
        cmocka_unit_test(short_ones_are_ignored),
        cmocka_unit_test(binary_secrets),
        cmocka_unit_test(url_forms),
        cmocka_unit_test(lines_in_a_terminal),
        cmocka_unit_test(base64_forms),
        cmocka_unit_test(as_defined),
        cmocka_unit_test(as_defined_in_long_texts),
        cmocka_unit_test(very_many_secrets),
        cmocka_unit_test(clones_are_apart),
        cmocka_unit_test(limits),
        cmocka_unit_test(no_bombs),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
