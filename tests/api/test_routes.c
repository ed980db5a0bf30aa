/* The route table holds together, and a path finds its route. */
#include <string.h>

#include "api/ws.h"
#include "base/str.h"
#include "service/auth.h"
#include "../check.h"

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"/healthz", "/healthz", true},
        {"/healthz", "/healthz/", false},
        {"/healthz", "/health", false},
        {"/healthz", "/healthzz", false},
        {"/healthz", "/", false},
        {"/healthz", "", false},
        {"/healthz", "healthz", false},
        {"/runs/{run}", "/runs/x", true},
        {"/runs/{run}", "/runs/", false},
        {"/runs/{run}", "/runs", false},
        {"/runs/{run}", "/runs/x/", false},
        {"/runs/{run}", "/runs/x/y", false},
        {"/runs/{run}", "/runs/{run}", true},
        {"/runs/{run}/plan", "/runs/x/plan", true},
        {"/runs/{run}/plan", "/runs//plan", false},
        {"/runs/{run}/plan", "/runs/x/y/plan", false},
        {"/runs/{run}/plan", "/runs/x/PLAN", false},
        {"/runs/{run}/plan", "/runs/x/plans", false},
        {"/runs/{run}/plan", "//runs/x/plan", false},
        {"/runs/{run}/plan", "/runs/\xe4\xbd\xa0/plan", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (route_matches(rows[i].pattern, rows[i].path) != rows[i].match)
            fail_msg("%s and %s", rows[i].pattern, rows[i].path);
}

/* A path that a pattern takes: each {…} becomes a word. */
static void sample(const char *pattern, char *ret, size_t cap)
{
    size_t n = 0;

    for (const char *p = pattern; *p; p++) {
        assert_true(n + 2 < cap);
        if (*p == '{') {
            ret[n++] = 'x';
            p = strchr(p, '}');
            assert_non_null(p);
        } else {
            ret[n++] = *p;
        }
    }
    ret[n] = '\0';
}

static void each_is_found(void **state)
{
    for (size_t i = 0; i < api_nroutes; i++) {
        char path[128];
        bool known = false;

        sample(api_routes[i].path, path, sizeof path);
        assert_ptr_equal(route_find(api_routes[i].method, path, &known), &api_routes[i]); /* so none hides another */
        assert_true(known);
        if (api_routes[i].method == HTTP_M_GET)
            assert_ptr_equal(route_find(HTTP_M_HEAD, path, &known), &api_routes[i]);
        assert_null(route_find(HTTP_M_OPTIONS, path, &known));
        assert_true(known);
    }
}

static void none_is_found(void **state)
{
    static const char *const paths[] = {
        "", "/", "/api", "/api/v1", "/api/v1/", "/api/v2/runs", "/runs", "/api/v1/runs/", "/docs/"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        bool known = true;

        assert_null(route_find(HTTP_M_GET, paths[i], &known));
        assert_false(known);
    }
}

static void body_limits(void **state)
{
    assert_int_equal(api_limit(NULL, HTTP_M_GET, "/api/v1/runs"), 0);
    assert_int_equal(api_limit(NULL, HTTP_M_POST, "/api/v1/runs"), 4 * MIB);
    /* The answer is 404 or 405: a small body may come along. */
    assert_int_equal(api_limit(NULL, HTTP_M_POST, "/api/v1/nothing"), 64 * KIB);
    assert_int_equal(api_limit(NULL, HTTP_M_POST, "/healthz"), 64 * KIB);
}

static bool is_of(const struct route *r, const route_fn *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == r->fn)
            return true;
    return false;
}

/* What each row must be, whatever it is for. */
static void rows_are_sound(void **state)
{
    static const route_fn asks[] = {post_plan,          post_policy_test,
                                    post_policy_replay, post_audit_verify, /* POST, but they change nothing */
                                    post_input,         post_resize,       /* or may be repeated as they are */
                                    post_login,         post_logout};
    static const route_fn any_token[] = {get_whoami, get_me, post_logout, get_ws};

    for (size_t i = 0; i < api_nroutes; i++) {
        const struct route *r = &api_routes[i];
        bool get = r->method == HTTP_M_GET, v1 = str_starts(r->path, "/api/v1/");
        size_t args = 0;

        for (const char *p = r->path; (p = strchr(p, '{')); p++)
            args++;
        assert_true(args <= ARGS_MAX);
        assert_non_null(r->fn);
        assert_true(r->summary && *r->summary && r->summary[strlen(r->summary) - 1] != '.');
        assert_int_equal(!(r->flags & KEY), get || is_of(r, asks, ARRAY_LEN(asks)));
        assert_int_equal(r->request != NULL, r->body > 0);
        assert_true(r->body == 0 || r->method == HTTP_M_POST || r->method == HTTP_M_PUT || r->method == HTTP_M_PATCH);
        assert_true((r->scope & (r->scope - 1)) == 0); /* one bit at the most */
        assert_true(r->scope == 0 || auth_scope_name(r->scope));
        assert_true(!(r->flags & OPEN) || ((!v1 || r->fn == post_login) && r->scope == 0));
        assert_true(r->scope || r->flags & OPEN || is_of(r, any_token, ARRAY_LEN(any_token)));
        assert_int_equal(r->flags & LATE, r->fn == get_ws ? LATE : 0);
        assert_true(r->status == 200 || r->status == 201 || r->status == 202 || r->status == 204 || r->fn == get_ws);
        assert_int_equal(r->response == NULL, r->status == 204 || r->fn == get_ws);
        assert_true(!r->query || get);
    }
}

static void no_row_twice(void **state)
{
    for (size_t i = 0; i < api_nroutes; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(api_routes[i].method == api_routes[k].method &&
                         str_eq(api_routes[i].path, api_routes[k].path));
}

/* Methods of the WebSocket: each name once, and only what answers with JSON or text, by a token. */
static void methods_are_sound(void **state)
{
    static const char *const needed[] = {
        "runs.create",   "runs.get",    "runs.list",        "runs.plan.get",  "runs.plan.put",
        "runs.approve",  "runs.reject", "runs.cancel",      "runs.apply",     "runs.discard",
        "runs.undo",     "runs.steps",  "runs.changes",     "approval.queue", "policy.get",
        "policy.update", "audit.query", "approval.resolve", "runs.diff",      "metrics.summary",
    };

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        size_t n = 0;

        for (size_t k = 0; k < api_nroutes; k++)
            n += str_eq(api_routes[k].method_name, needed[i]);
        if (n != 1)
            fail_msg("%zu routes are called %s", n, needed[i]);
    }
    for (size_t i = 0; i < api_nroutes; i++) {
        const struct route *r = &api_routes[i];

        if (!r->method_name)
            continue;
        assert_ptr_equal(ws_route(r->method_name), r); /* so: once */
        assert_true(!(r->flags & (OPEN | LOCAL | LATE)) && r->response && !strchr(r->response, '*'));
    }
    assert_null(ws_route("sessions.list"));
    assert_null(ws_route(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_are_sound), cmocka_unit_test(patterns),    cmocka_unit_test(each_is_found),
        cmocka_unit_test(none_is_found),     cmocka_unit_test(body_limits), cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(no_row_twice),
    };

    return cmocka_run_group_tests_name("api/routes", tests, NULL, NULL);
}
