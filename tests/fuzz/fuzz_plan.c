/* fuzz_plan - any JSON as steps of a request and as a stored plan: what is taken is written in one shape, reads back as
 * the same, and hashes the same. */
#include "fuzz.h"
#include "core/plan.h"

static void write_plan(const struct plan *p, struct buf *out)
{
    struct jw w = JW_INIT(out);

    plan_json(&w, p);
    if (out->bad)
        abort();
}

static void check(const struct plan *p)
{
    AUTO(buf_fini) struct buf one = BUF_INIT(64 * MIB), two = BUF_INIT(64 * MIB);
    AUTO_PTR(json_free) struct json *j = NULL;
    AUTO_PTR(plan_free) struct plan *stored = NULL;
    AUTO_PTR(plan_free) struct plan *edited = NULL;
    char h1[SHA256_HEX], h2[SHA256_HEX], h3[SHA256_HEX];

    write_plan(p, &one);
    if (json_parse(one.p, one.len, &j, NULL) < 0 || plan_from_json(j, &stored, NULL) < 0 ||
        plan_from_steps(json_get(j, "steps"), "steps", &edited, NULL) < 0)
        abort();
    write_plan(stored, &two);
    if (one.len != two.len || memcmp(one.p, two.p, one.len) != 0)
        abort();
    if (plan_hash(p, true, h1, NULL) < 0 || plan_hash(stored, true, h2, NULL) < 0 ||
        plan_hash(edited, true, h3, NULL) < 0)
        abort();
    if (strcmp(h1, h2) != 0 || strcmp(h1, h3) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    AUTO_PTR(plan_free) struct plan *steps = NULL;
    AUTO_PTR(plan_free) struct plan *whole = NULL;
    struct err e = ERR_INIT;

    if (json_parse((const char *)data, size, &j, NULL) < 0)
        return 0;
    if (plan_from_steps(j, "steps", &steps, &e) == 0)
        check(steps);
    if (plan_from_json(j, &whole, &e) == 0)
        check(whole);
    return 0;
}
