/* approval: the digest follows every member of the subject and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/approval.h"

static const char *const argv[] = {"make", "test"};
static const char *const env[] = {"LANG", "CC", "LANG"};

static struct approval_subject subject(void)
{
    return (struct approval_subject){
        .kind = "command", .argv = argv, .nargv = 2, .cwd = "/workspace", .env_names = env, .nenv = 3};
}

static void canonical_text(void **state)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(4096);
    struct approval_subject s = subject();

    assert_int_equal(approval_canonical(&s, &out, NULL), 0);
    assert_string_equal(out.p, "{\"argv\":[\"make\",\"test\"],\"cwd\":\"/workspace\",\"env_names\":[\"CC\",\"LANG\"],"
                               "\"kind\":\"command\",\"network\":\"none\"}");
}

static void digest(const struct approval_subject *s, char hex[SHA256_HEX])
{
    assert_int_equal(approval_subject_digest(s, hex, NULL), 0);
    assert_int_equal(strlen(hex), 64);
}

static void every_member_counts(void **state)
{
    static const char *const other_argv[] = {"make", "test "};
    static const char *const joined[] = {"make test"};
    static const char *const other_env[] = {"CC"};
    char base[SHA256_HEX], hex[SHA256_HEX];
    struct approval_subject s[8];

    for (size_t i = 0; i < ARRAY_LEN(s); i++)
        s[i] = subject();
    s[0].argv = other_argv;
    s[1].argv = joined;
    s[1].nargv = 1;
    s[2].cwd = "/workspace/a";
    s[3].env_names = other_env;
    s[3].nenv = 1;
    s[4].network = "open";
    s[5].kind = "tool";
    s[6].argv = NULL;
    s[6].text = "make test";
    s[7].pty = true;
    struct approval_subject b = subject();
    digest(&b, base);
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        digest(&s[i], hex);
        assert_string_not_equal(hex, base);
    }
}

static void order_of_names_does_not(void **state)
{
    static const char *const turned[] = {"CC", "LANG"};
    char a[SHA256_HEX], b[SHA256_HEX];
    struct approval_subject s = subject();

    digest(&s, a);
    s.env_names = turned;
    s.nenv = 2;
    digest(&s, b);
    assert_string_equal(a, b);
}

static void bytes_are_kept(void **state)
{
    static const char *const x[] = {"cat", "a\xff"}, *const y[] = {"cat", "a\xfe"};
    char a[SHA256_HEX], b[SHA256_HEX];
    struct approval_subject s = subject();

    s.argv = x;
    digest(&s, a);
    s.argv = y;
    digest(&s, b);
    assert_string_not_equal(a, b);
}

static void other_kinds(void **state)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    AUTO(buf_fini) struct buf out = BUF_INIT(4096);
    struct approval_subject s = {.kind = "file", .file = "src/a.c", .file_sha256 = hex};
    struct approval_subject p = {.kind = "plan", .plan_sha256 = hex};
    struct approval_subject c = {.kind = "changes", .changes_sha256 = hex};

    assert_int_equal(approval_canonical(&s, &out, NULL), 0);
    assert_non_null(strstr(out.p, "\"file\":{\"path\":\"src/a.c\",\"sha256\":\"e3b0"));
    assert_int_equal(approval_canonical(&p, &out, NULL), 0);
    assert_int_equal(approval_canonical(&c, &out, NULL), 0);
}

static void refuses(void **state)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(4096);
    struct err e = ERR_INIT;
    struct approval_subject none = {.kind = "command"};
    struct approval_subject two = subject();
    struct approval_subject nokind = subject();
    struct approval_subject bad = {.kind = "plan", .plan_sha256 = "abc"};

    two.text = "x";
    nokind.kind = NULL;
    assert_int_equal(approval_canonical(&none, &out, &e), -ERR_INVALID);
    assert_int_equal(approval_canonical(&two, &out, &e), -ERR_INVALID);
    assert_int_equal(approval_canonical(&nokind, &out, &e), -ERR_INVALID);
    assert_int_equal(approval_canonical(&bad, &out, &e), -ERR_INVALID);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(every_member_counts),
        cmocka_unit_test(order_of_names_does_not),
        cmocka_unit_test(bytes_are_kept),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
