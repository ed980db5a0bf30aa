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
    unsigned cases, classes, missed, allowed, asked, denied;
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

/* The rule that must speak, among the parts as strong as the whole: the first of equals speaks for all.
 * "opaque: why" wants that reason, too. */
static bool part_is(const char *rule, const char *part, const char *reason)
{
    const char *why = str_starts(rule, "opaque: ") ? rule + 8 : NULL;

    return why ? str_eq(part, "opaque") && strstr(reason, why) : str_eq(rule, part);
}

static bool as_wanted(const char *want, const char *rule, const struct verdict *v)
{
    if (!str_eq(want, policy_decision_name(v->decision)))
        return false;
    if (v->decision == POLICY_ALLOW || part_is(rule, v->rule, v->reason))
        return true;
    for (size_t i = 0; i < v->nparts; i++) {
        if (v->parts[i].decision == v->decision && part_is(rule, v->parts[i].rule, v->parts[i].reason))
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
    assert_true(str_eq(line, "allow") || !str_eq(rule, "-")); /* no answer without its reason */
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

static double percent(unsigned part, unsigned all)
{
    return all ? 100.0 * part / all : 0;
}

/* `= class` begins a class; each must have at least `least` cases. */
static struct tally run(const char *name, unsigned least)
{
    AUTO_PTR(policy_free) struct policy *p = NULL;
    struct tally t = {0};
    char path[512], line[1024];
    unsigned from = 0;

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_true(snprintf(path, sizeof(path), "%s/%s", CORPUS, name) < (int)sizeof(path));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        assert_non_null(strchr(line, '\n'));
        *strchr(line, '\n') = '\0';
        if (line[0] == '=') {
            assert_true(t.classes++ == 0 || t.cases - from >= least);
            from = t.cases;
        } else if (line[0]) {
            one(p, line, &t);
        }
    }
    fclose(f);
    assert_true(t.cases - from >= least);
    print_message("%s: %u cases in %u classes: %u allowed (%.1f %%), %u asked (%.1f %%), %u denied (%.1f %%), "
                  "%u not as wanted\n",
                  name, t.cases, t.classes, t.allowed, percent(t.allowed, t.cases), t.asked, percent(t.asked, t.cases),
                  t.denied, percent(t.denied, t.cases), t.missed);
    return t;
}

static void dangerous(void **state)
{
    struct tally t = run("dangerous.txt", 8);

    assert_true(t.cases >= 1000 && t.classes >= 30);
    assert_int_equal(t.allowed, 0);
    assert_int_equal(t.missed, 0);
}

static void harmless(void **state)
{
    struct tally t = run("harmless.txt", 60);

    assert_true(t.cases >= 250);
    assert_true(t.denied * 50 <= t.cases);
    assert_int_equal(t.missed, 0);
}

static void ordinary(void **state)
{
    struct tally t = run("ordinary.txt", 60);

    assert_true(t.cases >= 500);
    assert_int_equal(t.denied, 0);
    assert_true(t.asked * 10 <= t.cases);
    assert_int_equal(t.missed, 0);
}

static void asked(void **state)
{
    struct tally t = run("ask.txt", 8);

    assert_int_equal(t.allowed, 0);
    assert_int_equal(t.missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dangerous), cmocka_unit_test(harmless),
                                       cmocka_unit_test(ordinary), cmocka_unit_test(asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
