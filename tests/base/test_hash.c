/* hash: published vectors (FIPS 180-2 appendix B, RFC 3720 B.4), and that pieces add up. */
#include "check.h"
#include "base/hash.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void sha256_vectors(void **state)
{
    static const char *const rows[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char hex[SHA256_HEX];
        sha256_hex_of(rows[i][0], strlen(rows[i][0]), hex);
        assert_string_equal(hex, rows[i][1]);
    }
}

static void sha1_vector(void **state) /* FIPS 180-2, A.1 */
{
    uint8_t sum[SHA1_LEN];
    char hex[2 * SHA1_LEN + 1];
    assert_true(sha1_of("abc", 3, sum));
    hex_encode(sum, sizeof sum, hex);
    assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void a_million_in_pieces(void **state)
{
    uint8_t sum[SHA256_LEN];
    char hex[SHA256_HEX], piece[1000];
    memset(piece, 'a', sizeof piece);
    AUTO_PTR(sha256_free) struct sha256 *h = sha256_new();
    assert_non_null(h);
    for (int i = 0; i < 1000; i++)
        sha256_add(h, piece, sizeof piece);
    sha256_final(h, sum);
    hex_encode(sum, sizeof sum, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_free(NULL);
}

static void of_a_file(void **state)
{
    uint8_t got[SHA256_LEN], want[SHA256_LEN];
    size_t n = 200001;
    char *p = calloc(1, n);
    int fd = memfd_create("x", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(sha256_fd(fd, got, NULL), 0);
    sha256_of(p, n, want);
    assert_memory_equal(got, want, SHA256_LEN);
    struct err e = ERR_INIT;
    close(fd);
    assert_int_equal(sha256_fd(-1, got, &e), -ERR_IO);
    assert_memory_equal(got, want, SHA256_LEN);
    free(p);
}

static void crc32c_vectors(void **state)
{
    unsigned char b[32];
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
    memset(b, 0, sizeof b);
    assert_int_equal(crc32c(0, b, sizeof b), 0x8a9136aa);
    memset(b, 0xff, sizeof b);
    assert_int_equal(crc32c(0, b, sizeof b), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        b[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, b, sizeof b), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        b[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, b, sizeof b), 0x113fdb5c);
}

/* Bit by bit, as the polynomial says. */
static uint32_t crc_slow(const unsigned char *p, size_t n)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
    }
    return ~c;
}

static void crc32c_continues(void **state)
{
    unsigned char b[300];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (unsigned char)(i * i + 3);
    for (size_t n = 0; n <= sizeof b; n += 7)
        for (size_t cut = 0; cut <= n; cut += 5)
            assert_int_equal(crc32c(crc32c(0, b, cut), b + cut, n - cut), crc_slow(b, n));
}

/* Where long inputs are cut into lanes, and around it. */
static void crc32c_of_long_inputs(void **state)
{
    static unsigned char b[40000];
    static const size_t at[] = {6143, 6144, 6145, 6151, 12287, 12288, 12300, 24576, sizeof b};
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (unsigned char)(i * i * 7 + i / 251);
    for (size_t k = 0; k < ARRAY_LEN(at); k++)
        for (size_t from = 0; from < 9; from++) {
            size_t n = at[k] - from;
            uint32_t want = crc_slow(b + from, n);
            assert_int_equal(crc32c(0, b + from, n), want);
            assert_int_equal(crc32c(crc32c(0, b + from, n / 3), b + from + n / 3, n - n / 3), want);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),   cmocka_unit_test(a_million_in_pieces),
        cmocka_unit_test(of_a_file),        cmocka_unit_test(crc32c_vectors),
        cmocka_unit_test(crc32c_continues), cmocka_unit_test(crc32c_of_long_inputs),
        cmocka_unit_test(sha1_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
