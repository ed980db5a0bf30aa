/* One file's part of a patch: headers byte by byte (that git takes the whole is proven in test_changes). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../check.h"
#include "sandbox/diff.h"

#define ZERO  "0000000000000000000000000000000000000000"
#define EMPTY "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
#define A_ID  "78981922613b2afb6025042ff6bd878ac1994e85" /* "a\n" */
#define B_ID  "61780798228d17af2d34fce4cfbdf35556832472" /* "b\n" */

static struct diff_side side(uint32_t mode, const char *s)
{
    return (struct diff_side){.mode = mode, .p = s, .len = s ? strlen(s) : 0};
}

static void expect(const char *path, struct diff_side a, struct diff_side b, const char *want)
{
    struct buf out = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    assert_int_equal(diff_file(path, a, b, &out, &e), 0);
    assert_string_equal(out.p ? out.p : "", want);
    buf_fini(&out);
}

static void test_headers(void **state)
{
    struct diff_side none = {0}, a = side(0100644, "a\n"), b = side(0100644, "b\n");
    expect("f", a, b, "diff --git a/f b/f\nindex " A_ID ".." B_ID " 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n");
    expect("f", none, side(0100600, "a\n"),
           "diff --git a/f b/f\nnew file mode 100644\nindex " ZERO ".." A_ID
           "\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
    expect("f", side(0100755, "a\n"), none,
           "diff --git a/f b/f\ndeleted file mode 100755\nindex " A_ID ".." ZERO
           "\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
    expect("f", a, side(0100755, "a\n"), "diff --git a/f b/f\nold mode 100644\nnew mode 100755\n");
    expect("f", a, side(0100755, "b\n"),
           "diff --git a/f b/f\nold mode 100644\nnew mode 100755\nindex " A_ID ".." B_ID
           "\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n");
    expect("f", none, side(0100644, ""), "diff --git a/f b/f\nnew file mode 100644\nindex " ZERO ".." EMPTY "\n");
    expect("f", a, side(0100600, "a\n"), ""); /* git does not keep that mode */
    expect("f", none, none, "");
}

static void test_odd_names(void **state)
{
    struct diff_side none = {0}, empty = side(0100644, ""), a = side(0100644, "a\n");
    expect("a b", none, a,
           "diff --git a/a b b/a b\nnew file mode 100644\nindex " ZERO ".." A_ID
           "\n--- /dev/null\n+++ b/a b\t\n@@ -0,0 +1 @@\n+a\n");
    expect("q\"\n\xc3\xa4\\", none, empty,
           "diff --git \"a/q\\\"\\n\\303\\244\\\\\" \"b/q\\\"\\n\\303\\244\\\\\"\nnew file mode 100644\nindex " ZERO
           ".." EMPTY "\n");
    expect("x /y", none, empty, "diff --git \"a/x /y\" \"b/x /y\"\nnew file mode 100644\nindex " ZERO ".." EMPTY "\n");
}

static void test_kind_and_newline(void **state)
{
    struct buf out = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    assert_int_equal(diff_file("f", side(0100644, "a\n"), side(S_IFLNK | 0777, "t"), &out, &e), 0);
    assert_non_null(strstr(out.p, "deleted file mode 100644\n"));
    assert_non_null(strstr(out.p, "new file mode 120000\n"));
    assert_non_null(strstr(out.p, "+t\n\\ No newline at end of file\n"));
    buf_fini(&out);
}

static void test_binary(void **state)
{
    struct buf out = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    struct diff_side a = {.mode = 0100644, .p = "\0a", .len = 2}, b = {.mode = 0100644, .p = "\0b", .len = 2};
    assert_int_equal(diff_file("f", a, b, &out, &e), 0);
    assert_non_null(strstr(out.p, "GIT binary patch\nliteral 2\n"));
    assert_null(strstr(out.p, "--- a/f"));
    buf_fini(&out);
    struct buf tiny = BUF_INIT(10);
    assert_int_equal(diff_file("f", a, b, &tiny, &e), -ERR_TOO_LARGE);
    buf_fini(&tiny);
}

static void test_counts(void **state)
{
    struct err e = ERR_INIT;
    int64_t add = -1, del = -1;
    assert_int_equal(diff_lines("", 0), 0);
    assert_int_equal(diff_lines("a", 1), 1);
    assert_int_equal(diff_lines("a\nb\n", 4), 2);
    assert_true(diff_binary("a\0", 2));
    assert_false(diff_binary("a\xff", 2));
    assert_int_equal(diff_count(side(1, "a\nb\n"), side(1, "a\nc\nd"), &add, &del, &e), 0);
    assert_int_equal(add, 2);
    assert_int_equal(del, 1);
    assert_int_equal(diff_count(side(0, NULL), side(1, "x\ny"), &add, &del, &e), 0);
    assert_int_equal(add, 2);
    assert_int_equal(del, 0);
}

static int start(void **state)
{
    return diff_init(NULL);
}

static void some(const char *a, const char *b, const uint32_t *v, size_t n, size_t hunks, const char *want)
{
    struct buf out = BUF_INIT(MIB);
    int64_t add, del;
    size_t got;
    assert_int_equal(diff_some(side(0100644, a), side(0100644, b), v, n, &out, &got, &add, &del, NULL), 0);
    assert_string_equal(out.p ? out.p : "", want);
    assert_int_equal(got, hunks);
    assert_int_equal(diff_lines(a, strlen(a)) + add - del, diff_lines(want, strlen(want)));
    buf_fini(&out);
}

#define GAP "1\n2\n3\n4\n5\n6\n7\n8\n"

static void test_some_hunks(void **state)
{
    const uint32_t one[] = {1}, two[] = {2}, both[] = {2, 1, 2};
    const char *a = "a\n" GAP "b\n", *b = "A\nAA\n" GAP "B";
    some(a, b, one, 1, 2, "A\nAA\n" GAP "b\n");
    some(a, b, two, 1, 2, "a\n" GAP "B");
    some(a, b, both, 3, 2, b);
    some(a, b, NULL, 0, 2, a);
    some("", "x\ny", one, 1, 1, "x\ny");
    some("x\ny", "", one, 1, 1, "");
    some("x", "x\n", one, 1, 1, "x\n");
    some(GAP, "0\n" GAP "9", one, 1, 2, "0\n" GAP); /* insertions: before the first line, behind the last */
    some(GAP, "0\n" GAP "9", two, 1, 2, GAP "9");
    some("x\n" GAP GAP "y\n" GAP, GAP GAP "y\n" GAP "z\n", two, 1, 2, "x\n" GAP GAP "y\n" GAP "z\n");
    const uint32_t bad[] = {3}, zero[] = {0};
    struct buf out = BUF_INIT(MIB);
    int64_t add, del;
    size_t hunks;
    struct diff_side x = side(0100644, a), y = side(0100644, b);
    assert_int_equal(diff_some(x, y, bad, 1, &out, &hunks, &add, &del, NULL), -ERR_INVALID);
    assert_int_equal(diff_some(x, y, zero, 1, &out, &hunks, &add, &del, NULL), -ERR_INVALID);
    out.max = 5;
    assert_int_equal(diff_some(x, y, one, 1, &out, &hunks, &add, &del, NULL), -ERR_TOO_LARGE);
    buf_fini(&out);
}

/* A small text: few lines, mostly equal ones, at times without a newline at its end. */
static void random_text(uint32_t *seed, char ret[400])
{
    size_t n = 0, lines;
    *seed = *seed * 1103515245 + 12345;
    lines = *seed >> 16 & 31;
    for (size_t i = 0; i < lines; i++) {
        *seed = *seed * 1103515245 + 12345;
        n += (size_t)snprintf(ret + n, 400 - n, "%s%u\n", *seed >> 28 ? "line " : "other ",
                              (unsigned)(i + (*seed >> 16 & 7) / 7));
    }
    *seed = *seed * 1103515245 + 12345;
    ret[n > 0 && *seed >> 31 ? n - 1 : n] = '\0';
}

/* What is taken of one side and what is left out make up the whole: some of a→b, then all of that→b, is b; and the
 * lines that the first adds and takes away are those of its hunks. */
static void test_some_of_random(void **state)
{
    uint32_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        char a[400], b[400];
        struct buf mix = BUF_INIT(MIB), all = BUF_INIT(MIB);
        uint32_t v[32], every[32];
        size_t hunks, n = 0, rest;
        int64_t add, del, add2, del2;
        random_text(&seed, a);
        random_text(&seed, b);
        struct diff_side x = side(0100644, a), y = side(0100644, b);
        assert_int_equal(diff_some(x, y, NULL, 0, &mix, &hunks, &add, &del, NULL), 0);
        assert_string_equal(mix.p ? mix.p : "", a);
        assert_true(hunks < ARRAY_LEN(v));
        for (uint32_t h = 1; h <= hunks; h++) {
            every[h - 1] = h;
            seed = seed * 1103515245 + 12345;
            if (seed >> 31)
                v[n++] = h;
        }
        buf_reset(&mix);
        assert_int_equal(diff_some(x, y, v, n, &mix, &rest, &add, &del, NULL), 0);
        struct diff_side m = side(0100644, mix.len ? mix.p : "");
        assert_int_equal(diff_lines(m.p, m.len), diff_lines(a, strlen(a)) + add - del);
        assert_int_equal(diff_some(m, y, NULL, 0, &all, &rest, &add2, &del2, NULL), 0);
        assert_true(rest <= hunks && (rest == 0) == (strcmp(m.p, b) == 0) && (n < hunks || rest == 0));
        buf_reset(&all);
        assert_int_equal(diff_some(x, y, every, hunks, &all, &rest, &add2, &del2, NULL), 0);
        assert_string_equal(all.p ? all.p : "", b);
        assert_true(add <= add2 && del <= del2);
        buf_fini(&mix);
        buf_fini(&all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),          cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_kind_and_newline), cmocka_unit_test(test_binary),
        cmocka_unit_test(test_counts),           cmocka_unit_test(test_some_hunks),
        cmocka_unit_test(test_some_of_random),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
