/* fuzz_policy - any bytes as a policy document; one that is accepted must survive its own canonical form. */
#include "fuzz.h"

#include "core/policy.h"

/* libfyaml 0.7 loses the buffer of a quoted scalar it refuses: not ours, and bounded by the document. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static void judge_some(const struct policy *p)
{
    static const char *const texts[] = {"rm -rf / && make test | sh", "cp a /etc/x > b", "git -C x push"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
        MUST(policy_judge_command(p, texts[i], strlen(texts[i]), NULL, &v, NULL) == 0);
    }
    AUTO(verdict_fini) struct verdict a = VERDICT_INIT, b = VERDICT_INIT;
    MUST(policy_judge_path(p, POLICY_WRITE, "~/../x/.env", NULL, &a, NULL) == 0);
    MUST(policy_judge_host(p, "Example.ORG.", &b, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_PTR(policy_free) struct policy *p = NULL, *again = NULL;
    AUTO(buf_fini) struct buf one = BUF_INIT(4 * MIB), two = BUF_INIT(4 * MIB);
    struct err e = ERR_INIT;

    if (policy_parse((const char *)data, size, &p, NULL, &e) < 0) {
        MUST(e.code != 0 && e.msg[0]);
        return 0;
    }
    MUST(policy_canonical(p, &one, NULL) == 0);
    if (one.len <= POLICY_TEXT_MAX) {
        MUST(policy_parse(one.p, one.len, &again, NULL, &e) == 0);
        MUST(policy_canonical(again, &two, NULL) == 0);
        MUST(one.len == two.len && memcmp(one.p, two.p, one.len) == 0);
    }
    judge_some(p);
    return 0;
}
