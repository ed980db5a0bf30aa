/* json: what is refused, what is read, checked access, the canonical form. */
#include "check.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/str.h"
#include <string.h>

static struct json *parsed(const char *s)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;
    if (json_parse(s, strlen(s), &j, &e) < 0)
        fail_msg("%s: %s", s, e.msg);
    return j;
}

static void a_nul_is_refused_in_our_words(void **state)
{
    static const char *const bad[] = {"{\"a\":\"x\\u0000y\"}", "{\"\\u0000\":1}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *j = NULL;
        struct err e = ERR_INIT;
        assert_int_equal(json_parse(bad[i], strlen(bad[i]), &j, &e), -ERR_JSON);
        assert_non_null(strstr(e.msg, "a text may not hold the character \\u0000"));
        assert_null(strstr(e.msg, "JSON_"));
    }
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"\\u0062\":2}}",
        "[1] x",
        "[1][2]",
        "nul",
        "True",
        "'a'",
        "{a:1}",
        "[01]",
        "[+1]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[NaN]",
        "[Infinity]",
        "[1e999]",
        "[9223372036854775808]",
        "[-9223372036854775809]",
        "[\"\\u0000\"]",
        "{\"\\u0000\":1}",
        "[\"\\ud800\"]",
        "[\"\\udc00\\ud800\"]",
        "[\"\\x41\"]",
        "[\"\n\"]",
        "[\"\t\"]",
        "[\"\x80\"]",
        "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]",
        "\xef\xbb\xbf[]",
        "[1] // no",
        "/* no */[1]",
        "[\"",
        "[\"\\",
        "\"\xc6\x99\\\xcf\x9bt\xce\x9d",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *j = NULL;
        struct err e = ERR_INIT;
        if (json_parse(bad[i], strlen(bad[i]), &j, &e) != -ERR_JSON || j)
            fail_msg("%s", bad[i]);
        assert_true(utf8_valid(e.msg, strlen(e.msg)));
    }
    struct json *j = NULL;
    assert_int_equal(json_parse("[1]\0", 4, &j, NULL), -ERR_JSON);
    assert_int_equal(json_parse("[\"a\0b\"]", 7, &j, NULL), -ERR_JSON);
    assert_int_equal(json_parse(NULL, 0, &j, NULL), -ERR_JSON);
    assert_null(j);
}

static void depth_is_bounded(void **state)
{
    char text[300000];
    for (int d = 60; d < 70; d++) {
        AUTO_PTR(json_free) struct json *j = NULL;
        memset(text, '[', (size_t)d);
        memset(text + d, ']', (size_t)d);
        assert_int_equal(json_parse(text, 2 * (size_t)d, &j, NULL), d <= 64 ? 0 : -ERR_JSON);
        AUTO(buf_fini) struct buf out = BUF_INIT(1000);
        if (d <= 64) {
            assert_int_equal(json_canonical(j, &out, NULL), 0);
            assert_int_equal(out.len, 2 * d);
        }
    }
    for (size_t i = 0; i + 5 < sizeof text; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    struct json *j = NULL;
    assert_int_equal(json_parse(text, 250000, &j, NULL), -ERR_JSON);
    /* Brackets in strings do not count. */
    AUTO_PTR(json_free) struct json *s = NULL;
    memset(text, '[', 1000);
    memcpy(text, "[\"\\\"", 4);
    memcpy(text + 998, "\"]", 2);
    assert_int_equal(json_parse(text, 1000, &s, NULL), 0);
}

static void reads(void **state)
{
    AUTO_PTR(json_free)
    struct json *j =
        parsed("{\"z\":1,\"a\":[null,true,false,-5,2.5,\"h\\u00e9\",{}],\"m\":null,\"big\":9223372036854775807}");
    assert_int_equal(json_type(j), JT_OBJ);
    assert_int_equal(json_len(j), 4);
    const char *const order[] = {"z", "a", "m", "big"};
    size_t i = 0;
    for (const void *it = json_first(j); it; it = json_next(j, it), i++) {
        assert_string_equal(json_key(it), order[i]);
        assert_ptr_equal(json_val(it), json_get(j, order[i]));
    }
    assert_int_equal(i, 4);
    static const enum json_type types[] = {JT_NULL, JT_TRUE, JT_FALSE, JT_INT, JT_REAL, JT_STR, JT_OBJ};
    const struct json *a = json_get(j, "a");
    assert_int_equal(json_len(a), 7);
    for (i = 0; i < 7; i++)
        assert_int_equal(json_type(json_at(a, i)), types[i]);
    assert_string_equal(json_str(json_at(a, 5)), "h\xc3\xa9");
    assert_int_equal(json_str_len(json_at(a, 5)), 3);
    assert_true(json_true(json_at(a, 1)));
    assert_false(json_true(json_at(a, 2)));
    assert_int_equal(json_int(json_at(a, 3)), -5);
    assert_true(json_int(json_get(j, "big")) == INT64_MAX);
    assert_non_null(json_get(j, "m"));
}

static void wrong_types_are_harmless(void **state)
{
    AUTO_PTR(json_free) struct json *j = parsed("[1.5,\"s\",{\"k\":1}]");
    const struct json *s = json_at(j, 1);
    assert_null(json_at(j, 3));
    assert_null(json_get(j, "k"));
    assert_null(json_first(j));
    assert_null(json_str(j));
    assert_int_equal(json_int(json_at(j, 0)), 0);
    assert_int_equal(json_int(s), 0);
    assert_int_equal(json_len(s), 0);
    assert_null(json_at(s, 0));
    assert_int_equal(json_type(NULL), JT_NULL);
    assert_null(json_str(NULL));
    assert_int_equal(json_len(NULL), 0);
    assert_null(json_get(NULL, "x"));
    assert_null(json_first(NULL));
    json_free(NULL);
}

static void wants(void **state)
{
    AUTO_PTR(json_free)
    struct json *j = parsed("{\"s\":\"abc\",\"i\":7,\"b\":true,\"o\":{},\"a\":[1,2],\"n\":null,\"r\":7.0}");
    const char *s = "keep";
    int64_t i = 99;
    bool b = false;
    const struct json *v = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(json_want_str(j, "", "s", J_REQ, 3, &s, &e), 0);
    assert_string_equal(s, "abc");
    assert_int_equal(json_want_int(j, "", "i", J_REQ, 7, 7, &i, &e), 0);
    assert_int_equal(i, 7);
    assert_int_equal(json_want_bool(j, "", "b", J_REQ, &b, &e), 0);
    assert_true(b);
    assert_int_equal(json_want_obj(j, "", "o", J_REQ, &v, &e), 0);
    assert_int_equal(json_want_arr(j, "", "a", J_REQ, 2, &v, &e), 0);
    s = "keep";
    assert_int_equal(json_want_str(j, "", "absent", J_OPT, 3, &s, &e), 0);
    assert_string_equal(s, "keep");
    assert_int_equal(e.code, 0);

    assert_int_equal(json_want_str(j, "limits", "absent", J_REQ, 3, &s, &e), -ERR_INVALID);
    assert_string_equal(e.field, "limits.absent");
    assert_string_equal(e.msg, "limits.absent is required");
    assert_int_equal(json_want_str(j, "", "s", J_REQ, 2, &s, &e), -ERR_INVALID);
    assert_string_equal(e.field, "s");
    assert_int_equal(json_want_str(j, NULL, "n", J_OPT, 2, &s, &e), -ERR_INVALID);
    assert_int_equal(json_want_str(j, "", "i", J_OPT, 2, &s, &e), -ERR_INVALID);
    assert_int_equal(json_want_int(j, "", "s", J_OPT, 0, 9, &i, &e), -ERR_INVALID);
    assert_int_equal(json_want_int(j, "", "r", J_OPT, 0, 9, &i, &e), -ERR_INVALID);
    assert_int_equal(json_want_int(j, "", "i", J_OPT, 8, 9, &i, &e), -ERR_INVALID);
    assert_int_equal(json_want_int(j, "", "i", J_OPT, 0, 6, &i, &e), -ERR_INVALID);
    assert_int_equal(json_want_bool(j, "", "i", J_OPT, &b, &e), -ERR_INVALID);
    assert_int_equal(json_want_obj(j, "", "a", J_OPT, &v, &e), -ERR_INVALID);
    assert_int_equal(json_want_arr(j, "", "o", J_OPT, 9, &v, &e), -ERR_INVALID);
    assert_int_equal(json_want_arr(j, "", "a", J_OPT, 1, &v, &e), -ERR_INVALID);
    assert_int_equal(json_want_str(json_get(j, "a"), "steps[0]", "s", J_OPT, 9, &s, &e), -ERR_INVALID);
    assert_string_equal(e.field, "steps[0]");
    assert_int_equal(json_want_str(NULL, "", "s", J_OPT, 9, &s, &e), -ERR_INVALID);
    assert_string_equal(s, "keep");
    assert_int_equal(i, 7);
}

static void known_fields(void **state)
{
    static const char *const keys[] = {"intent", "steps", NULL};
    AUTO_PTR(json_free) struct json *good = parsed("{\"steps\":[],\"intent\":\"x\"}");
    AUTO_PTR(json_free) struct json *bad = parsed("{\"intent\":1,\"step\":1}");
    AUTO_PTR(json_free) struct json *arr = parsed("[]");
    struct err e = ERR_INIT;
    assert_int_equal(json_known(good, "", keys, &e), 0);
    assert_int_equal(json_known(bad, "run", keys, &e), -ERR_UNKNOWN_FIELD);
    assert_string_equal(e.field, "run.step");
    assert_non_null(strstr(e.msg, "intent, steps"));
    assert_int_equal(json_known(arr, "", keys, &e), -ERR_INVALID);
    assert_int_equal(json_known(good, "", (const char *const[]){NULL}, &e), -ERR_UNKNOWN_FIELD);
}

/* The first row is the ordering example of RFC 8785 section 3.2.3. */
static void canonical(void **state)
{
    static const char *const rows[][2] = {
        {"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\","
         "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
         "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
         "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
         "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
         "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
        {"{\"\\ue000\":1,\"\\ud7ff\":2,\"\\udbff\\udfff\":3,\"\\uffff\":4,\"\\ud800\\udc00\":5}",
         "{\"\xed\x9f\xbf\":2,\"\xf0\x90\x80\x80\":5,\"\xf4\x8f\xbf\xbf\":3,\"\xee\x80\x80\":1,\"\xef\xbf\xbf\":4}"},
        {" { \"b\" : [ 1 , -2 , 0 , -0 ] , \"a\" : { \"\" : null , \" \" : [ ] } } ",
         "{\"a\":{\"\":null,\" \":[]},\"b\":[1,-2,0,0]}"},
        {"{\"ab\":1,\"a\":2,\"aa\":3}", "{\"a\":2,\"aa\":3,\"ab\":1}"},
        {"\"\\u0001\\u001f\\b\\t\\n\\f\\r\\\"\\\\\\/\\u007f\\u2028<\"",
         "\"\\u0001\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\xe2\x80\xa8<\""},
        {"9007199254740991", "9007199254740991"},
        {"[true,false,null]", "[true,false,null]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(1000), again = BUF_INIT(1000);
        struct err e = ERR_INIT;
        assert_int_equal(json_canonical_text(rows[i][0], strlen(rows[i][0]), &out, &e), 0);
        assert_string_equal(out.p, rows[i][1]);
        assert_int_equal(json_canonical_text(out.p, out.len, &again, &e), 0);
        assert_string_equal(again.p, out.p);
    }
    static const char *const bad[] = {"1.5", "[1e3]", "{\"a\":{\"b\":0.0}}", "9007199254740992", "-9007199254740992"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(1000);
        assert_int_equal(json_canonical_text(bad[i], strlen(bad[i]), &out, NULL), -ERR_INVALID);
    }
    AUTO(buf_fini) struct buf small = BUF_INIT(5);
    assert_int_equal(json_canonical_text("[1,2,3]", 7, &small, NULL), -ERR_TOO_LARGE);
}

static void out_of_memory(void **state)
{
#ifdef SALLYPORT_FAULTS
    static const char text[] = "{\"b\":{\"c\":[1,{\"x\":2}]},\"a\":\"long long long long long long long long text\"}";
    int n = 0;
    do {
        AUTO(buf_fini) struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;
        fault_arm_nth("alloc", ++n);
        int r = json_canonical_text(text, sizeof text - 1, &out, &e);
        assert_int_equal(r, fault_fired() ? -ERR_OOM : 0);
        assert_int_equal(e.code, -r);
    } while (fault_fired());
    assert_true(n > 4);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(a_nul_is_refused_in_our_words),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(reads),
        cmocka_unit_test(wrong_types_are_harmless),
        cmocka_unit_test(wants),
        cmocka_unit_test(known_fields),
        cmocka_unit_test(canonical),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
