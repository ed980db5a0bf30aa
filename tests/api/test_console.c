/* Which file a URL is, who takes gzip, and who has the file already. */
#include <string.h>

#include "api/console.h"
#include "../check.h"

static void pages(void **state)
{
    static const char *const yes[] = {"/",       "/inbox", "/projects", "/plan",     "/runs", "/runs/run_01",
                                      "/policy", "/audit", "/queue",    "/settings", "/login"};
    static const char *const no[] = {"",        "/Inbox", "/inbox/",  "/runs/",  "/runs/a/b",  "/runs/a/",
                                     "//",      "/runsx", "/metrics", "/docs",   "/api/v1/me", "/healthz",
                                     "/schema", "inbox",  "/inbox/x", "/assets", "/index.html"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!console_is_page(yes[i]))
            fail_msg("%s is no page", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (console_is_page(no[i]))
            fail_msg("%s is a page", no[i]);
}

static void files(void **state)
{
    const struct console_file *index = console_find("/index.html");

    assert_null(console_find("/assets/"));
    assert_null(console_find("/assets/../index.html"));
    assert_null(console_find("/console_files.bin"));
    assert_null(console_find("/etc/passwd"));
    assert_null(console_find(""));
    assert_int_equal(console_nfiles > 0, *console_missing == '\0');
    assert_ptr_equal(console_find("/runs/run_x"), index);
    assert_int_equal(index != NULL, console_nfiles > 0);
    for (size_t i = 0; i < console_nfiles; i++) {
        const struct console_file *f = &console_files[i];

        assert_ptr_equal(console_find(f->path), f);
        assert_int_equal(f->immutable, strncmp(f->path, "/assets/", 8) == 0);
        assert_int_equal(strlen(f->tag), 32);
        assert_true(f->packed ? console_bytes[f->at] == 0x1f && console_bytes[f->at + 1] == 0x8b
                              : f->stored == f->plain);
        assert_true(strncmp(f->path, "/api", 4) != 0);
    }
}

static void asked_as_a_page(void **state)
{
    static const struct {
        const char *accept;
        bool page;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"*/*", false},
        {"application/json", false},
        {"text/html", true},
        {"Text/HTML;charset=utf-8", true},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
        {"application/json, text/html ;q=0.1", true},
        {"text/html;q=0, */*", false},
        {"text/htmlx", false},
        {"text/htm", false},
        {"text/*", false},
        {"application/json;x=\"text/html\"", false},
        {",,;", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (console_wants_page(rows[i].accept) != rows[i].page)
            fail_msg("\"%s\"", rows[i].accept);
}

static void gzip(void **state)
{
    static const struct {
        const char *accept;
        bool takes;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip, deflate, br", true},
        {"br;q=1.0 , gzip;q=0.5", true},
        {"br,\tgzip ;q=0.001", true},
        {"*", true},
        {"*;q=0.1", true},
        {"*;q=0, gzip", true},
        {"gzip;q=0, *", false},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;Q=0.", false},
        {"*;q=0", false},
        {"identity", false},
        {"deflate, br", false},
        {"gzipx", false},
        {"gzi", false},
        {",,gzip", true},
        {", ;", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (console_takes_gzip(rows[i].accept) != rows[i].takes)
            fail_msg("Accept-Encoding: %s", rows[i].accept);
}

static void tags(void **state)
{
    static const struct {
        const char *list;
        bool has;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"\"a-gz\"", true},
        {"W/\"a-gz\"", true},
        {"*", true},
        {"\"a\"", false},
        {"\"b\", \"a-gz\"", true},
        {"\"b\",W/\"a-gz\" ,\"c\"", true},
        {"a-gz", false},
        {"\"a-gz", false},
        {"\"A-GZ\"", false},
        {"\"a-gz\"x", false},
        {"W/", false},
        {"W/W/\"a-gz\"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (console_has_tag(rows[i].list, "\"a-gz\"") != rows[i].has)
            fail_msg("If-None-Match: %s", rows[i].list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages), cmocka_unit_test(files), cmocka_unit_test(asked_as_a_page),
        cmocka_unit_test(gzip),  cmocka_unit_test(tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
