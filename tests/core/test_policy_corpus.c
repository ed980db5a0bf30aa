/* The built-in policy against the corpus in tests/policy (format: tests/policy/README). Prints every miss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "core/policy.h"

struct tally {
    unsigned cases, missed, allowed, asked, denied;
};

/* \n \t \\ \xHH in place. */
static void unescape(char *s)
{
    char *out = s;

    for (; *s; s++) {
        unsigned byte;
        if (s[0] == '\\' && s[1] == 'n') {
            *out++ = '\n';
            s++;
        } else if (s[0] == '\\' && s[1] == 't') {
            *out++ = '\t';
            s++;
        } else if (s[0] == '\\' && s[1] == '\\') {
            *out++ = '\\';
            s++;
        } else if (s[0] == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
            *out++ = (char)byte;
            s += 3;
        } else {
            *out++ = *s;
        }
    }
    *out = '\0';
}

static bool as_wanted(const char *want, const char *rule, const struct verdict *v)
{
    const char *got = policy_decision_name(v->decision);
    bool ok = str_eq(want, "ask+") ? v->decision != POLICY_ALLOW : str_eq(want, got);

    if (!ok || str_eq(rule, "-") || str_eq(rule, v->rule))
        return ok;
    for (size_t i = 0; i < v->nparts; i++) { /* among equals the first one speaks: any of them will do */
        if (str_eq(v->parts[i].rule, rule) && (v->parts[i].decision == v->decision || str_eq(want, "ask+")))
            return true;
    }
    return false;
}

static void one(const struct policy *p, char *line, struct tally *t)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    char *rule = strchr(line, '\t'), *cmd = rule ? strchr(rule + 1, '\t') : NULL;

    assert_non_null(cmd);
    *rule++ = '\0';
    *cmd++ = '\0';
    unescape(cmd);
    assert_int_equal(policy_judge_command(p, cmd, strlen(cmd), NULL, &v, NULL), 0);
    t->cases++;
    t->allowed += v.decision == POLICY_ALLOW;
    t->asked += v.decision == POLICY_ASK;
    t->denied += v.decision == POLICY_DENY;
    if (as_wanted(line, rule, &v))
        return;
    t->missed++;
    print_message("MISS: %s\n      wanted %s by %s, got %s by %s (%s) on: %s\n", cmd, line, rule,
                  policy_decision_name(v.decision), v.rule, v.reason, v.piece);
}

static struct tally run(const char *name)
{
    AUTO_PTR(policy_free) struct policy *p = NULL;
    struct tally t = {0};
    char path[512], line[1024];

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_true(snprintf(path, sizeof(path), "%s/%s", CORPUS, name) < (int)sizeof(path));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        assert_non_null(strchr(line, '\n'));
        *strchr(line, '\n') = '\0';
        if (line[0])
            one(p, line, &t);
    }
    fclose(f);
    print_message("%s: %u cases, %u allowed, %u asked, %u denied, %u not as wanted\n", name, t.cases, t.allowed,
                  t.asked, t.denied, t.missed);
    return t;
}

static void dangerous(void **state)
{
    struct tally t = run("dangerous.txt");

    assert_true(t.cases >= 60);
    assert_int_equal(t.allowed, 0);
    assert_int_equal(t.missed, 0);
}

static void harmless(void **state)
{
    struct tally t = run("harmless.txt");

    assert_true(t.cases >= 60);
    assert_true(t.denied * 50 <= t.cases);
    assert_int_equal(t.missed, 0);
}

static void ordinary(void **state)
{
    struct tally t = run("ordinary.txt");

    assert_true(t.cases >= 60);
    assert_int_equal(t.denied, 0);
    assert_true(t.asked * 10 <= t.cases);
    assert_int_equal(t.missed, 0);
}

static void asked(void **state)
{
    struct tally t = run("ask.txt");

    assert_int_equal(t.missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dangerous), cmocka_unit_test(harmless),
                                       cmocka_unit_test(ordinary), cmocka_unit_test(asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
