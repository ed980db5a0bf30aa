/* fuzz_shell - any bytes as shell text, judged by the built-in policy.
 *
 * Checks what must hold for every text: ranges lie inside it, values hold no
 * markers, a verdict is no weaker than its parts, and nothing opaque is allowed. */
#include "fuzz.h"

#include "core/policy.h"

static void check_shell(const char *text, size_t n)
{
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    MUST(shell_parse(text, n, &sh, NULL) == 0);
    MUST(shell_unwrap(sh, NULL) == 0);
    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        MUST((size_t)c->at.at + c->at.len <= n);
        MUST(c->scope >= 0 && (size_t)c->scope < sh->nscopes);
        MUST(c->via < (int)sh->ncmds && c->text);
        for (size_t k = 0; k < c->nwords; k++)
            MUST(!c->words[k].value || !strpbrk(c->words[k].value, "\x01\x02\x03\x05\x06"));
    }
    for (size_t i = 0; i < sh->nopaque; i++)
        MUST((size_t)sh->opaque[i].at.at + sh->opaque[i].at.len <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy *p; /* parsed once: the fuzzer has one thread */
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    if (!p)
        MUST(policy_default(&p, NULL) == 0);
    check_shell((const char *)data, size);
    MUST(policy_judge_command(p, (const char *)data, size, NULL, &v, NULL) == 0);
    for (size_t i = 0; i < v.nparts; i++) {
        MUST(v.parts[i].decision <= v.decision);
        MUST(!v.parts[i].opaque || v.decision != POLICY_ALLOW);
    }
    return 0;
}
