/* glob: tables, a naive recursive matcher as oracle, and patterns made to explode. */
#include "check.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
    const char *pat, *s;
    bool yes;
};

static void whole_strings(void **state)
{
    static const struct row rows[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "a/b", true},
        {"a*c", "ac", true},
        {"a*c", "abbbc", true},
        {"a*c", "abcd", false},
        {"?", "a", true},
        {"?", "", false},
        {"?", "中", true},
        {"??", "中", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a]", "a", false},
        {"[]]", "]", true},
        {"[]a]", "a", true},
        {"[a-]", "-", true},
        {"[", "[", true},
        {"[a", "[a", true},
        {"[a", "a", false},
        {"[中-国]", "丰", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"\\[a]", "[a]", true},
        {"[\\]]", "]", true},
        {"a\\", "a\\", true},
        {"make *", "make test", true},
        {"make *", "make", false},
        {"*\xff", "a\xff", true},
        {"?", "\xff", true},
        {"***a", "bba", true},
        {"*a*b*c*", "xaybzc", true},
        {"*a*b*c*", "xaybz", false},
        {"[!]a]", "b", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (glob_match(rows[i].pat, rows[i].s) != rows[i].yes)
            fail_msg("%s ~ %s", rows[i].pat, rows[i].s);
}

static void paths(void **state)
{
    static const struct row rows[] = {
        {"*", "a", true},
        {"*", "a/b", false},
        {"?", "/", false},
        {"[!a]", "/", false},
        {"a/*", "a/b", true},
        {"a/*", "a/", true},
        {"a/*", "a/b/c", false},
        {"**", "a/b/c", true},
        {"**/.env", ".env", true},
        {"**/.env", "a/.env", true},
        {"**/.env", "a/b/.env", true},
        {"**/.env", "x.env", false},
        {"**/.env", "a/.envx", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/b/c", true},
        {"a/**/c", "a/b/b/c", true},
        {"a/**/c", "ac", false},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"**/*_rsa", "h/.ssh/id_rsa", true},
        {"**/*_rsa", "id_rsa", true},
        {"**/*_rsa", "id_rsa/x", false},
        {"/etc/**", "/etc/a/b", true},
        {"a**b", "axx/yyb", true},
        {"src/**/*.c", "src/a.c", true},
        {"src/**/*.c", "src/x/y/a.c", true},
        {"src/**/*.c", "src/a.h", false},
        {"**/a/**/b", "x/a/y/z/b", true},
        {"**/a/**/b", "a/b", true},
        {"**/a/**/b", "a/bb", false},
        {"*/**/x", "q/x", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (glob_path(rows[i].pat, rows[i].s) != rows[i].yes)
            fail_msg("%s ~ %s", rows[i].pat, rows[i].s);
}

/* The definition, written down: exponential, and plainly right. */
static bool oracle(const char *pat, const char *s, bool path, bool boundary)
{
    if (!*pat)
        return !*s;
    if (path && pat[0] == '*' && pat[1] == '*') {
        while (*pat == '*')
            pat++;
        bool whole = boundary && *pat == '/';
        pat += whole;
        if (oracle(pat, s, path, whole))
            return true;
        for (; *s; s++)
            if ((!whole || *s == '/') && oracle(pat, s + 1, path, whole))
                return true;
        return false;
    }
    if (*pat == '*') {
        for (;; s++) {
            if (oracle(pat + 1, s, path, false))
                return true;
            if (!*s || (path && *s == '/'))
                return false;
        }
    }
    if (!*s || (*pat == '?' ? path && *s == '/' : *pat != *s))
        return false;
    return oracle(pat + 1, s + 1, path, *pat == '/');
}

static void as_defined(void **state)
{
    static const char alphabet[] = "ab/**?*/";
    uint64_t x = 1234567;
    int hits = 0;
    for (int i = 0; i < 300000; i++) {
        char pat[9] = "", s[9] = "";
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t r = x >> 8;
        size_t np = r % 8, ns = r / 8 % 8;
        r /= 64;
        for (size_t k = 0; k < np; k++, r /= 8)
            pat[k] = alphabet[r % 8];
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        r = x >> 16;
        for (size_t k = 0; k < ns; k++, r /= 3)
            s[k] = alphabet[r % 3];
        if (glob_path(pat, s) != oracle(pat, s, true, true))
            fail_msg("glob_path %s ~ %s", pat, s);
        if (glob_match(pat, s) != oracle(pat, s, false, true))
            fail_msg("glob_match %s ~ %s", pat, s);
        hits += glob_path(pat, s);
    }
    assert_true(hits > 1000);
}

static void no_bombs(void **state)
{
    char text[4097], pat[600] = "";
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 50; i++)
        memcpy(pat + 3 * i, "**a", 4);
    memcpy(pat + 150, "b", 2);
    clock_t from = clock();
    assert_false(glob_path(pat, text));
    assert_false(glob_match(pat, text));
    for (int i = 0; i < 100; i++)
        memcpy(pat + 2 * i, "*a", 3);
    memcpy(pat + 200, "b", 2);
    assert_false(glob_path(pat, text));
    assert_false(glob_match(pat, text));
    for (int i = 0; i < 4096; i += 2)
        text[i] = '/';
    assert_false(glob_path("**/a/**/a/**/*a*a*a/**/*?b", text));
    assert_false(glob_path("**a*a*b", text));
    assert_true((clock() - from) / CLOCKS_PER_SEC < 5);
}

static void lists_of_globs(void **state)
{
    assert_true(glob_listed("gcc gcc-[0-9]* clang*", "gcc-12"));
    assert_true(glob_listed("  a   b ", "b"));
    assert_true(glob_listed("*_OPTS X", "JAVA_OPTS"));
    assert_true(glob_listed("[ test", "["));
    assert_false(glob_listed("gcc gcc-[0-9]*", "gc"));
    assert_false(glob_listed("", "x"));
    assert_false(glob_listed("a b", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_globs), cmocka_unit_test(whole_strings), cmocka_unit_test(paths),
        cmocka_unit_test(as_defined),     cmocka_unit_test(no_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
