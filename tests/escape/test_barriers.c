/* The table in docs/SANDBOX.md, what `sallyport doctor` says, and src/shim/barriers.def: one and the same.
 *
 *   test_barriers docs/SANDBOX.md     - instead of the page: doctor only
 *   test_barriers --table             prints what the page must hold */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/sandbox.h"

#define HARD   "hard"
#define SOFT   "soft"
#define ABSENT "absent"

static const struct row {
    const char *name, *root, *delegated, *plain, *since, *holds;
} rows[] = {
#define BARRIER(id, name, root, delegated, plain, since, holds) {name, root, delegated, plain, since, holds},
#include "shim/barriers.def"
#undef BARRIER
};

static void table(struct buf *b)
{
    buf_puts(b,
             "| barrier, limit | as root | as a user, cgroup delegated | as a user without | from Linux | holds |\n");
    buf_puts(b, "| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        buf_printf(b, "| %s | %s | %s | %s | %s | %s |\n", r->name, r->root, r->delegated, r->plain, r->since,
                   r->holds);
    }
    buf_puts(b, "\n"); /* nothing may follow that is not here */
}

static void test_page(void **state)
{
    AUTO(buf_fini) struct buf want = BUF_INIT(64 * KIB), page = BUF_INIT(MIB);
    assert_int_equal(file_read(AT_FDCWD, *state, &page, NULL), 0);
    table(&want);
    if (!strstr(page.p, want.p))
        fail_msg("%s does not hold the table of src/shim/barriers.def; it is:\n%s", (const char *)*state, want.p);
}

static const char *level(const struct json *checks, size_t i)
{
    return json_str(json_get(json_at(checks, i), "level"));
}

static const struct row *row_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(rows[i].name, name))
            return &rows[i];
    }
    return NULL;
}

/* Every row, in order, and each level as the page says, unless the kernel is older than the row. */
static void test_doctor(void **state)
{
    (void)state;
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct jw w = JW_INIT(&b);
    bool ok = false, delegated = false;
    assert_int_equal(sandbox_probe(NULL, &w, &ok, NULL), 0);
    assert_int_equal(json_parse(b.p, b.len, &doc, NULL), 0);
    const struct json *checks = json_get(doc, "checks");
    assert_int_equal(json_len(checks), ARRAY_LEN(rows) + 1); /* and a whole sandbox */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        delegated |= str_eq(rows[i].name, "limit cpu") && str_eq(level(checks, i), HARD);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = row_named(json_str(json_get(json_at(checks, i), "name")));
        assert_ptr_equal(r, &rows[i]);
        const char *want = delegated ? (geteuid() == 0 ? r->root : r->delegated) : r->plain;
        if (str_eq(r->name, "own uid for each run"))
            want = geteuid() == 0 ? r->root : r->plain;
        if (str_eq(level(checks, i), want))
            continue;
        const char *fix = json_str(json_get(json_at(checks, i), "fix"));
        printf("%s is %s here, not %s (fix: %s)\n", r->name, level(checks, i), want, fix);
        assert_string_not_equal(fix, ""); /* a weakness has a fix */
        /* what Linux 6.1 lacks, and what the file system decides */
        assert_true(str_starts(r->since, "6.12") || str_eq(r->name, "limit disk"));
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (str_eq(argv[1], "--table")) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        table(&b);
        fputs(b.p, stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {{"the page", test_page, NULL, NULL, argv[1]},
                                       {"doctor", test_doctor, NULL, NULL, NULL}};
    const struct CMUnitTest only_doctor[] = {{"doctor", test_doctor, NULL, NULL, NULL}};
    if (str_eq(argv[1], "-"))
        return cmocka_run_group_tests_name("doctor", only_doctor, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
