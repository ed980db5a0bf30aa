/* err: the table, cutting on a character, errno mapping, wrapping. */
#include "check.h"
#include "base/err.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void table_is_sound(void **state)
{
    for (int i = 1; i < ERR_N; i++) {
        const struct err_info *row = err_info(i);
        assert_ptr_equal(row, err_info(-i));
        assert_int_equal(err_by_name(row->name), i); /* so: no name twice */
        assert_in_range(row->http, 400, 599);
        assert_in_range(row->exit, 1, 255);
        assert_true(strlen(row->text) > 0);
    }
    assert_string_equal(err_info(ERR_N)->name, "internal");
    assert_string_equal(err_info(-12345)->name, "internal");
    assert_string_equal(err_info(INT32_MIN)->name, "internal");
    assert_int_equal(err_by_name("no such"), ERR_INTERNAL);
    assert_int_equal(err_by_name(NULL), ERR_INTERNAL);
}

static void set_fills_and_returns(void **state)
{
    struct err e = ERR_INIT;
    assert_int_equal(err_set(&e, ERR_STATE, "run %d is %s", 7, "done"), -ERR_STATE);
    assert_int_equal(e.code, ERR_STATE);
    assert_string_equal(e.msg, "run 7 is done");
    assert_string_equal(e.field, "");
    assert_int_equal(err_set(&e, ERR_BUSY, NULL), -ERR_BUSY);
    assert_string_equal(e.msg, err_info(ERR_BUSY)->text);
    assert_int_equal(err_set(NULL, ERR_BUSY, "x"), -ERR_BUSY);
    assert_int_equal(err_set(&e, 9999, "x"), -ERR_INTERNAL);
    assert_int_equal(err_set(&e, -ERR_BUSY, "x"), -ERR_BUSY);
    assert_int_equal(err_oom(&e), -ERR_OOM);
    assert_int_equal(err_field(&e, ERR_INVALID, "limits.pids", "no"), -ERR_INVALID);
    assert_string_equal(e.field, "limits.pids");
}

/* Whatever the length before it, a cut never leaves half a character. */
static void cut_on_a_character(void **state)
{
    static const char *const tails[] = {"é", "€", "😀", "中文"};
    char text[1200];
    for (size_t t = 0; t < ARRAY_LEN(tails); t++)
        for (size_t pad = 500; pad < 516; pad++) {
            struct err e;
            size_t n = pad;
            memset(text, 'a', pad);
            while (n + 8 < sizeof text)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s", tails[t]);
            err_set(&e, ERR_INVALID, "%s", text);
            assert_true(utf8_valid(e.msg, strlen(e.msg)));
            assert_true(strlen(e.msg) > sizeof e.msg - 6);
            err_field(&e, ERR_INVALID, text + 500 - 90, "x");
            assert_true(utf8_valid(e.field, strlen(e.field)));
            err_set(&e, ERR_INVALID, "%s", text + pad);
            err_wrap(&e, -ERR_INVALID, "%.*s", (int)(pad - 498), text);
            assert_true(utf8_valid(e.msg, strlen(e.msg)));
        }
}

/* What is quoted may come from anywhere. */
static void outside_bytes_are_scrubbed(void **state)
{
    struct err e;
    err_field(&e, ERR_INVALID, "a\xff\x1b[2J", "no file \xe4\xb8 \x1b]0;x\x07 \xc2\x9b中\n\t%s", "\x7f\xed\xa0\x80");
    assert_string_equal(e.field, "a??[2J");
    assert_string_equal(e.msg, "no file ?? ?]0;x? ??中\n\t????");
    err_wrap(&e, -ERR_INVALID, "\xff");
    assert_string_equal(e.msg, "?: no file ?? ?]0;x? ??中\n\t????");
}

static void errno_becomes_a_code(void **state)
{
    static const struct {
        int sys, code;
    } rows[] = {{ENOSPC, ERR_STORAGE_FULL}, {EDQUOT, ERR_STORAGE_FULL}, {ENOMEM, ERR_OOM}, {EACCES, ERR_IO}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        errno = rows[i].sys;
        assert_int_equal(err_sys(&e, ERR_IO, "open %s", "x"), -rows[i].code);
        assert_int_equal(e.sys, rows[i].sys);
        assert_true(str_starts(e.msg, "open x: "));
        assert_true(str_ends(e.msg, strerror(rows[i].sys)));
    }
    assert_true(err_sys_ours(EMFILE) && err_sys_ours(ENFILE) && err_sys_ours(ENOMEM));
    assert_false(err_sys_ours(ENOENT) || err_sys_ours(EACCES) || err_sys_ours(0));
}

/* Want of memory is nobody's input. */
static void a_full_buffer_is_told_from_want_of_memory(void **state)
{
    struct err e;
    assert_int_equal(err_bad(&e, -ERR_TOO_LARGE, "%d lines", 7), -ERR_TOO_LARGE);
    assert_string_equal(e.msg, "7 lines");
    assert_string_equal(e.field, "");
    assert_int_equal(err_bad_field(&e, -ERR_TOO_LARGE, "steps", "too %s", "many"), -ERR_TOO_LARGE);
    assert_string_equal(e.msg, "too many");
    assert_string_equal(e.field, "steps");
    assert_int_equal(err_bad_field(&e, -ERR_OOM, "steps", "too %s", "many"), -ERR_OOM);
    assert_string_equal(e.field, "");
    assert_int_equal(err_bad_field(NULL, -ERR_TOO_LARGE, "steps", "too many"), -ERR_TOO_LARGE);
}

static void wrap_adds_context(void **state)
{
    struct err e;
    err_field(&e, ERR_INVALID, "f", "too big");
    assert_int_equal(err_wrap(&e, -ERR_INVALID, "step %d", 2), -ERR_INVALID);
    assert_string_equal(e.msg, "step 2: too big");
    assert_string_equal(e.field, "f");
    assert_int_equal(err_wrap(&e, 0, "nothing"), 0);
    assert_string_equal(e.msg, "step 2: too big");
    assert_int_equal(err_wrap(NULL, -ERR_IO, "x"), -ERR_IO);
    e = ERR_INIT; /* a callee that reported only a code */
    assert_int_equal(err_wrap(&e, -ERR_LOST, "x"), -ERR_LOST);
    assert_int_equal(e.code, ERR_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(set_fills_and_returns),
        cmocka_unit_test(cut_on_a_character),
        cmocka_unit_test(errno_becomes_a_code),
        cmocka_unit_test(a_full_buffer_is_told_from_want_of_memory),
        cmocka_unit_test(wrap_adds_context),
        cmocka_unit_test(outside_bytes_are_scrubbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
