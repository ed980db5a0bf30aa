/* jw: commas and colons, escapes, bytes that are not text, and that our own reader takes it all back. */
#include "check.h"
#include "base/json.h"
#include "base/str.h"
#include <string.h>

static void shapes(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(10000);
    struct jw w = JW_INIT(&b);
    jw_obj(&w);
    jw_kstr(&w, "s", "x");
    jw_kstr(&w, "null", NULL);
    jw_kstr_opt(&w, "gone", "");
    jw_kstr_opt(&w, "gone", NULL);
    jw_kstr_opt(&w, "here", "y");
    jw_kint(&w, "min", INT64_MIN);
    jw_key(&w, "max");
    jw_uint(&w, UINT64_MAX);
    jw_kbool(&w, "t", true);
    jw_key(&w, "arr");
    jw_arr(&w);
    jw_arr(&w);
    jw_end_arr(&w);
    jw_obj(&w);
    jw_end_obj(&w);
    jw_int(&w, 1);
    jw_bool(&w, false);
    jw_null(&w);
    jw_raw(&w, "[2]rest", 3);
    jw_end_arr(&w);
    jw_kraw(&w, "raw", "{\"q\":1}");
    jw_kraw(&w, "none", NULL);
    jw_ktime(&w, "at", 1000001);
    jw_ktime(&w, "never", 0);
    jw_end_obj(&w);
    assert_int_equal(w.depth, 0);
    assert_string_equal(b.p, "{\"s\":\"x\",\"null\":null,\"here\":\"y\",\"min\":-9223372036854775808,"
                             "\"max\":18446744073709551615,\"t\":true,\"arr\":[[],{},1,false,null,[2]],"
                             "\"raw\":{\"q\":1},\"none\":null,\"at\":\"1970-01-01T00:00:01.000001Z\",\"never\":null}");
}

static const char *str_of(struct buf *b, const char *p, size_t n)
{
    struct jw w = JW_INIT(b);
    buf_reset(b);
    jw_strn(&w, p, n);
    return b->p;
}

static void strings(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    assert_string_equal(str_of(&b, "", 0), "\"\"");
    assert_string_equal(str_of(&b, NULL, 0), "\"\"");
    assert_string_equal(str_of(&b, "a\"b\\c/\n\r\t\b\f\x01\x1f\x7f", 14),
                        "\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"");
    assert_string_equal(str_of(&b, "中é😀", strlen("中é😀")), "\"中é😀\"");
    assert_string_equal(str_of(&b,
                               "a\xff\xfe"
                               "b\xe4\xb8",
                               6),
                        "\"a\xef\xbf\xbd\xef\xbf\xbd"
                        "b\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_string_equal(str_of(&b, "a\0b", 3), "\"a\xef\xbf\xbd"
                                               "b\"");
}

static void bytes_keep_what_text_loses(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    struct jw w = JW_INIT(&b);
    jw_obj(&w);
    jw_kbytes(&w, "ok", "é", 2);
    jw_kbytes(&w, "empty", NULL, 0);
    jw_kbytes(&w, "bad", "a\xff", 2);
    jw_kbytes(&w, "nul", "a\0", 2);
    jw_kint(&w, "z", 1);
    jw_end_obj(&w);
    assert_string_equal(b.p, "{\"ok\":\"é\",\"empty\":\"\",\"bad\":\"a\xef\xbf\xbd\",\"bad_b64\":\"Yf8=\","
                             "\"nul\":\"a\xef\xbf\xbd\",\"nul_b64\":\"YQA=\",\"z\":1}");
}

/* Every pair of bytes, as value and as key, comes back as valid JSON that our reader takes. */
static void any_bytes_are_readable(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    for (unsigned k = 0; k < 65536; k++) {
        char two[3] = {(char)(k >> 8), (char)k, 0};
        struct jw w = JW_INIT(&b);
        AUTO_PTR(json_free) struct json *j = NULL;
        buf_reset(&b);
        jw_obj(&w);
        jw_key(&w, two);
        jw_strn(&w, two, 2);
        jw_end_obj(&w);
        if (json_parse(b.p, b.len, &j, NULL) < 0)
            fail_msg("%04x", k);
        const char *s = json_str(json_val(json_first(j)));
        if (utf8_valid(two, 2) && k > 0xff && (k & 0xff))
            assert_string_equal(s, two);
    }
}

static void depth_is_bounded(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    struct jw w = JW_INIT(&b);
    for (int i = 0; i < 64; i++) {
        jw_arr(&w);
        if (i < 63)
            jw_int(&w, i);
    }
    assert_int_equal(b.bad, 0);
    for (int i = 0; i < 64; i++)
        jw_end_arr(&w);
    AUTO_PTR(json_free) struct json *j = NULL;
    assert_int_equal(json_parse(b.p, b.len, &j, NULL), 0);
    buf_reset(&b);
    w = JW_INIT(&b);
    for (int i = 0; i < 200; i++)
        jw_arr(&w);
    assert_int_equal(b.bad, -ERR_TOO_LARGE);
    for (int i = 0; i < 200; i++)
        jw_end_arr(&w);
}

static void limit_is_the_buffers(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(10);
    struct jw w = JW_INIT(&b);
    jw_str(&w, "0123456789");
    assert_int_equal(b.bad, -ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(strings),
        cmocka_unit_test(bytes_keep_what_text_loses),
        cmocka_unit_test(any_bytes_are_readable),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(limit_is_the_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
