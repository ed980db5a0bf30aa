/* The description is of this server: every route, schema, parameter, event and error is in it, and nothing else. */
#include <stdio.h>
#include <string.h>

#include "api/openapi_int.h"
#include "base/str.h"
#include "core/event.h"
#include "core/run_sm.h"
#include "service/auth.h"
#include "service/reconcile.h"
#include "../check.h"

static struct openapi o;
static struct json *doc;
static struct buf text;

static int setup(void **state)
{
    buf_init(&text, 4 * MIB);
    assert_int_equal(openapi_load(&o, NULL), 0);
    assert_int_equal(openapi_write(&text, NULL), 0);
    assert_int_equal(json_parse(text.p, text.len, &doc, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    openapi_fini(&o);
    json_free(doc);
    buf_fini(&text);
    return 0;
}

static size_t times(const char *hay, const char *needle)
{
    size_t n = 0;

    for (const char *p = hay; (p = strstr(p, needle)); p += strlen(needle))
        n++;
    return n;
}

static const struct json *component(const char *kind, const char *name)
{
    return json_get(json_get(json_get(doc, "components"), kind), name);
}

/* Every $ref leads somewhere. */
static void references(const struct json *j, size_t *seen)
{
    const char *ref = json_str(json_get(j, "$ref"));
    char kind[32], name[64];

    if (ref) {
        assert_int_equal(sscanf(ref, "#/components/%31[^/]/%63s", kind, name), 2);
        if (!component(kind, name))
            fail_msg("%s leads nowhere", ref);
        (*seen)++;
    }
    if (json_type(j) == JT_OBJ)
        for (const void *it = json_first(j); it; it = json_next(j, it))
            references(json_val(it), seen);
    for (size_t i = 0; i < json_len(j) && json_type(j) == JT_ARR; i++)
        references(json_at(j, i), seen);
}

static void references_lead_somewhere(void **state)
{
    size_t n = 0;

    references(doc, &n);
    assert_true(n > 300);
}

static void all_parts_are_used(void **state)
{
    static const char *const kinds[] = {"schemas", "parameters", "headers", "responses"};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct json *all = json_get(json_get(doc, "components"), kinds[i]);

        assert_true(json_len(all) > 0);
        for (const void *it = json_first(all); it; it = json_next(all, it)) {
            char ref[128];

            snprintf(ref, sizeof ref, "\"#/components/%s/%s\"", kinds[i], json_key(it));
            if (!times(text.p, ref))
                fail_msg("nothing uses %s", ref);
        }
    }
}

static const struct json *operation(const struct route *r)
{
    char method[16] = "";

    for (size_t i = 0; http_method_name(r->method)[i]; i++)
        method[i] = (char)(http_method_name(r->method)[i] | 0x20);
    return json_get(json_get(json_get(doc, "paths"), r->path), method);
}

static void every_route_is_there(void **state)
{
    size_t n = 0;
    const struct json *paths = json_get(doc, "paths");

    for (size_t i = 0; i < api_nroutes; i++) {
        const struct route *r = &api_routes[i];
        const struct json *op = operation(r);
        char status[8], id[OPENAPI_ID_MAX], quoted[OPENAPI_ID_MAX + 32];

        assert_non_null(op);
        snprintf(status, sizeof status, "%d", r->status);
        assert_non_null(json_get(json_get(op, "responses"), status));
        assert_int_equal(json_get(op, "requestBody") != NULL, r->request != NULL);
        assert_int_equal(json_int(json_get(op, "x-max-body-bytes")), r->body);
        assert_true(str_eq(json_str(json_get(op, "x-scope")), r->scope ? auth_scope_name(r->scope) : NULL) ||
                    !r->scope);
        assert_true(!r->request || component("schemas", r->request));
        assert_true(!r->response || openapi_is_media_type(r->response) || component("schemas", r->response));
        openapi_operation_id(r, id);
        snprintf(quoted, sizeof quoted, "\"operationId\":\"%s\"", id);
        assert_int_equal(times(text.p, quoted), 1);
    }
    for (const void *it = json_first(paths); it; it = json_next(paths, it))
        n += json_len(json_val(it));
    assert_int_equal(n, api_nroutes);
}

/* As many as the path and the query have, each with a shape. */
static void every_parameter_is_there(void **state)
{
    for (size_t i = 0; i < api_nroutes; i++) {
        const struct route *r = &api_routes[i];
        struct openapi_param it = {0};
        size_t want = 0, n = 0;

        for (const char *p = r->path; (p = strchr(p, '{')); p++)
            want++;
        for (const char *p = r->query; p && *p; p += strspn(p, " "), want++)
            p += strcspn(p, " ");
        want += !!(r->flags & KEY) + (r->fn == get_events);
        for (; openapi_param_next(&o, r, &it); n++) {
            if (!it.def)
                fail_msg("%s has no parameter %s", r->path, it.key);
            assert_non_null(json_get(it.def, "schema"));
            assert_non_null(json_str(json_get(it.def, "description")));
        }
        assert_int_equal(n, want);
    }
}

static void operation_ids(void **state)
{
    static const struct {
        struct route r;
        const char *id;
    } rows[] = {
        {{HTTP_M_GET, "/openapi.json"}, "get_openapi_json"},
        {{HTTP_M_GET, "/api/v1/runs"}, "get_runs"},
        {{HTTP_M_GET, "/api/v1/runs/{run}"}, "get_run"},
        {{HTTP_M_POST, "/api/v1/runs/{run}/cancel"}, "post_run_cancel"},
        {{HTTP_M_DELETE, "/api/v1/tokens/{token}"}, "delete_token"},
        {{HTTP_M_POST, "/api/v1/policy/test"}, "post_policy_test"},
        {{HTTP_M_POST, "/api/v1/policy/replay"}, "post_policy_replay"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char id[OPENAPI_ID_MAX];

        openapi_operation_id(&rows[i].r, id);
        assert_string_equal(id, rows[i].id);
    }
}

static void extras_are_of_routes(void **state)
{
    for (size_t i = 0; i < openapi_nextras; i++) {
        const struct openapi_extra *x = &openapi_extras[i];
        bool known = false;

        for (size_t k = 0; k < api_nroutes; k++)
            known = known || (api_routes[k].method == x->method && str_eq(api_routes[k].path, x->path));
        assert_true(known);
        assert_true(!x->schema || component("schemas", x->schema));
        assert_true(x->what && *x->what);
    }
}

static bool in_list(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (str_eq(json_str(json_at(list, i)), word))
            return true;
    return false;
}

/* Closed objects whose required members are there. */
static void schemas_are_sound(void **state)
{
    for (const void *it = json_first(o.schemas); it; it = json_next(o.schemas, it)) {
        const struct json *s = json_val(it), *required = json_get(s, "required");
        bool object = str_eq(json_str(json_get(s, "type")), "object") && !json_get(s, "allOf");

        if (object && json_type(json_get(s, "additionalProperties")) != JT_FALSE)
            fail_msg("%s takes any member", json_key(it));
        for (size_t i = 0; object && i < json_len(required); i++)
            if (!json_get(json_get(s, "properties"), json_str(json_at(required, i))))
                fail_msg("%s requires %s, which it does not have", json_key(it), json_str(json_at(required, i)));
    }
}

static void words_are_those_of_the_server(void **state)
{
    const struct json *states = json_get(json_get(o.schemas, "RunState"), "enum");
    const struct json *scopes = json_get(json_get(o.schemas, "Scope"), "enum");
    const struct json *types = json_get(json_get(json_get(json_get(o.schemas, "Event"), "properties"), "type"), "enum");

    for (int i = 0; i < RN_N; i++)
        assert_true(in_list(states, run_sm_state((enum run_node)i)));
    for (size_t i = 0; i < json_len(states); i++)
        assert_int_not_equal(run_sm_parse(json_str(json_at(states, i)), "plan"), RN_NONE);
    for (unsigned bit = 1; bit <= SCOPE_ADMIN; bit <<= 1)
        assert_true(in_list(scopes, auth_scope_name(bit)));
    assert_int_equal(json_len(scopes), __builtin_popcount(2 * SCOPE_ADMIN - 1));
    for (size_t i = 0; i < json_len(types); i++)
        assert_int_not_equal(event_kind(json_str(json_at(types, i))), -1);
    assert_int_equal(json_len(types), json_len(json_get(json_get(o.schemas, "Event"), "oneOf")));
}

static void error_codes(void **state)
{
    const struct json *codes = json_get(doc, "x-error-codes");

    assert_int_equal(json_len(codes), ERR_N - 1);
    for (size_t i = 0; i < json_len(codes); i++) {
        const struct err_info *info = err_info((int)i + 1);

        assert_string_equal(json_str(json_get(json_at(codes, i), "code")), info->name);
        assert_int_equal(json_int(json_get(json_at(codes, i), "status")), info->http);
    }
}

/* The document of /schema: the same shapes, under its own names of references. */
static void schema(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * MIB);
    AUTO_PTR(json_free) struct json *s = NULL;
    const struct json *defs, *codes, *actions;

    assert_int_equal(schema_write(&b, NULL), 0);
    assert_int_equal(times(b.p, "#/components/"), 0);
    assert_int_equal(times(b.p, "\"#/$defs/"), 4 + times(o.shapes.p, "\"#/components/schemas/"));
    assert_int_equal(json_parse(b.p, b.len, &s, NULL), 0);
    assert_string_equal(json_str(json_get(s, "$schema")), "https://json-schema.org/draft/2020-12/schema");
    defs = json_get(s, "$defs");
    assert_int_equal(json_len(defs), json_len(o.schemas));
    codes = json_get(json_get(defs, "ErrorCode"), "enum");
    assert_int_equal(json_len(codes), ERR_N - 1);
    actions = json_get(json_get(defs, "ReconcileAction"), "enum");
    assert_int_equal(json_len(actions), RC_N);
    for (size_t i = 0; i < json_len(actions); i++)
        assert_string_equal(json_str(json_at(actions, i)), reconcile_info((enum reconcile_act)i)->name);
    for (size_t i = 0; i < api_nroutes; i++)
        assert_true(!api_routes[i].method_name ||
                    in_list(json_get(json_get(defs, "WsMethod"), "enum"), api_routes[i].method_name));
    for (size_t max = 0; max < b.len; max += 9973) {
        AUTO(buf_fini) struct buf small = BUF_INIT(max);

        assert_int_equal(schema_write(&small, NULL), -ERR_TOO_LARGE);
    }
}

static void page(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(2 * MIB);

    assert_int_equal(openapi_docs(&b, NULL), 0);
    for (size_t i = 0; i < api_nroutes; i++)
        assert_true(times(b.p, api_routes[i].path));
    for (const void *it = json_first(o.schemas); it; it = json_next(o.schemas, it)) {
        char id[96];

        snprintf(id, sizeof id, "<h3 id=%s>", json_key(it));
        assert_int_equal(times(b.p, id), 1);
    }
    for (int i = ERR_NONE + 1; i < ERR_N; i++)
        assert_true(times(b.p, err_info(i)->name));
    assert_int_equal(times(b.p, "<script"), 0);
    assert_int_equal(times(b.p, "//"), 0); /* no address of anywhere */
}

/* With less room it fails, and says so. */
static void no_room(void **state)
{
    for (size_t max = 0; max < text.len; max += 997) {
        AUTO(buf_fini) struct buf a = BUF_INIT(max), b = BUF_INIT(max / 2);
        struct err e = ERR_INIT;

        assert_int_equal(openapi_write(&a, &e), -ERR_TOO_LARGE);
        assert_int_equal(openapi_docs(&b, NULL), -ERR_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(all_parts_are_used),
        cmocka_unit_test(every_route_is_there),
        cmocka_unit_test(every_parameter_is_there),
        cmocka_unit_test(operation_ids),
        cmocka_unit_test(extras_are_of_routes),
        cmocka_unit_test(schemas_are_sound),
        cmocka_unit_test(words_are_those_of_the_server),
        cmocka_unit_test(error_codes),
        cmocka_unit_test(schema),
        cmocka_unit_test(page),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests_name("api/openapi", tests, setup, teardown);
}
