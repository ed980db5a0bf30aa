/* policy: documents and what is wrong with them, matchers one by one, the strongest answer, where a command runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/str.h"
#include "core/policy.h"

static struct policy *parse(const char *text)
{
    struct policy *p = NULL;
    struct err e = ERR_INIT;

    if (policy_parse(text, strlen(text), &p, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    return p;
}

/* One rule in a document whose default is `def`. */
static struct policy *with_rule(const char *def, const char *rule)
{
    char text[2048];

    snprintf(text, sizeof(text), "version: 1\ndefault: %s\nrules:\n  - {id: r, reason: Because., %s}\n", def, rule);
    return parse(text);
}

static void expect(const struct policy *p, const char *cmd, const char *want, const char *rule)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    assert_int_equal(policy_judge_command(p, cmd, strlen(cmd), NULL, &v, NULL), 0);
    if (!str_eq(policy_decision_name(v.decision), want) || (rule && !str_eq(v.rule, rule)))
        fail_msg("%s: wanted %s by %s, got %s by %s: %s", cmd, want, rule ? rule : "any",
                 policy_decision_name(v.decision), v.rule, v.reason);
}

/* Does the deny rule speak? The default allows. */
static void fires(const char *matcher, const char *cmd, bool want)
{
    char rule[1024];

    snprintf(rule, sizeof(rule), "decision: deny, %s", matcher);
    AUTO_PTR(policy_free) struct policy *p = with_rule("allow", rule);
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    assert_int_equal(policy_judge_command(p, cmd, strlen(cmd), NULL, &v, NULL), 0);
    if ((v.decision == POLICY_DENY) != want)
        fail_msg("%s on: %s: wanted %s, got %s by %s", matcher, cmd, want ? "deny" : "no deny",
                 policy_decision_name(v.decision), v.rule);
}

/* Does the allow rule speak? The default denies. */
static void allows(const char *matcher, const char *cmd, bool want)
{
    char rule[1024];

    snprintf(rule, sizeof(rule), "decision: allow, %s", matcher);
    AUTO_PTR(policy_free) struct policy *p = with_rule("deny", rule);
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    assert_int_equal(policy_judge_command(p, cmd, strlen(cmd), NULL, &v, NULL), 0);
    if ((v.decision == POLICY_ALLOW) != want)
        fail_msg("%s on: %s: wanted %s, got %s by %s", matcher, cmd, want ? "allow" : "no allow",
                 policy_decision_name(v.decision), v.rule);
}

/* --- documents --- */

static void every_problem_at_once(void **state)
{
    static const char text[] = "version: zero\n"
                               "default: maybe\n"
                               "colour: blue\n"
                               "rules:\n"
                               "  - {id: A b, decision: deny, reason: x, command: {program: rm}}\n"
                               "  - {id: two, decision: deny, command: {program: rm}}\n"
                               "  - {id: two, decision: allow, command: {program: rm, any: [x]}}\n"
                               "  - {id: four, decision: allow, command: {}}\n"
                               "  - {id: five, decision: allow, host: a, tool: b}\n"
                               "  - {id: opaque, decision: allow, tool: b}\n"
                               "  - {id: seven, decision: allow, path: {append: x}}\n"
                               "  - {id: eight, decision: allow, command: {program: [rm, [x]], flags: ['a b']}}\n"
                               "  - {id: nine, decision: allow, tool: []}\n"
                               "  - just text\n";
    static const struct {
        int line;
        const char *field, *part;
    } want[] = {{3, "", "\"colour\" is not known"},
                {1, "version", "whole number"},
                {2, "default", "allow, ask or deny"},
                {5, "rules[0].id", "a-z"},
                {6, "rules[1].reason", "says why"},
                {7, "rules[2].command", "together"},
                {8, "rules[3].command", "needs a program"},
                {9, "rules[4]", "exactly one"},
                {10, "rules[5].id", "built-in"},
                {11, "rules[6]", "\"append\""},
                {12, "rules[7].command.program", "must be a text"},
                {12, "rules[7].command.flags", "no flag"},
                {13, "rules[8].tool", "not empty"},
                {14, "rules[9]", "must be a map"},
                {5, "rules", "\"two\" stands twice"}};
    struct policy_problems *pp = calloc(1, sizeof(*pp));
    struct policy *p = NULL;
    struct err e = ERR_INIT;

    assert_non_null(pp);
    assert_int_equal(policy_parse(text, strlen(text), &p, pp, &e), -ERR_INVALID);
    assert_null(p);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        bool found = false;
        for (size_t k = 0; k < pp->n; k++)
            found = found || (pp->v[k].line == want[i].line && str_eq(pp->v[k].field, want[i].field) &&
                              strstr(pp->v[k].msg, want[i].part));
        if (!found)
            fail_msg("not reported: line %d %s %s", want[i].line, want[i].field, want[i].part);
    }
    assert_non_null(strstr(e.msg, "line 3"));
    free(pp);
}

static void refused_documents(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "empty"},
        {"version: 1\ndefault: ask\nrules:\n  - {id: a, decision: deny, reason: \"\", command: {program: rm}}\n",
         "1 to 240 bytes"},
        {"- 1", "a policy is a map"},
        {"version: 1\nversion: 2\ndefault: ask\n", "stands twice"},
        {"version: &a 1\ndefault: ask\n", "anchors"},
        {"version: 1\ndefault: ask\nrules: *a\n", "alias"},
        {"version: !!int 1\ndefault: ask\n", "tags"},
        {"version: 1\ndefault: ask\n---\nversion: 1\n", "more than one document"},
        {"version: \"1\"\ndefault: ask\n", "whole number"},
        {"version: 0\ndefault: ask\n", "whole number"},
        {"version: 99999999999999999999\ndefault: ask\n", "whole number"},
        {"a\xff: 1", "UTF-8"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[", "deep"},
        {"{a: {b: {c: [1]}}}", "not known"},
        {"version: 1\ndefault: ask\nrules: 5\n", "must be a list"},
        {"version: 1\ndefault: ask\nrules: [{id: a, decision: allow, tool: \"x\\u202ey\"}]", "invisible"}};
    struct policy *p = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        assert_int_equal(policy_parse(rows[i].text, strlen(rows[i].text), &p, NULL, &e), -ERR_INVALID);
        if (!strstr(e.msg, rows[i].part))
            fail_msg("%s: %s", rows[i].text, e.msg);
    }
    assert_null(p);
}

static void too_large_documents(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(512 * KIB);
    struct policy *p = NULL;
    struct err e = ERR_INIT;

    buf_puts(&b, "version: 1\ndefault: ask\nrules:\n");
    for (int i = 0; i < POLICY_RULES_MAX + 1; i++)
        buf_printf(&b, "  - {id: r%d, decision: allow, tool: x}\n", i);
    assert_int_equal(policy_parse(b.p, b.len, &p, NULL, &e), -ERR_INVALID);
    assert_non_null(strstr(e.msg, "1001 rules"));
    buf_reset(&b);
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "k%d: 1\n", i);
    assert_int_equal(policy_parse(b.p, b.len, &p, NULL, &e), -ERR_INVALID);
    buf_reset(&b);
    for (size_t i = 0; i <= POLICY_TEXT_MAX; i++)
        buf_addc(&b, ' ');
    assert_int_equal(policy_parse(b.p, b.len, &p, NULL, &e), -ERR_INVALID);
    assert_non_null(strstr(e.msg, "larger"));
}

static void json_is_yaml_too(void **state)
{
    AUTO_PTR(policy_free)
    struct policy *a = parse("version: 3\ndefault: ask\nrules:\n- id: x\n  decision: deny\n  reason: \"No.\"\n"
                             "  command: {program: rm, flags: r}\n");
    AUTO_PTR(policy_free)
    struct policy *b = parse("{\"rules\":[{\"command\":{\"flags\":[\"r\"],\"program\":[\"rm\"]},\"reason\":\"No.\","
                             "\"id\":\"x\",\"decision\":\"deny\"}],\"default\":\"ask\",\"version\":3}");
    char ha[SHA256_HEX], hb[SHA256_HEX];

    assert_int_equal(policy_sha256(a, ha, NULL), 0);
    assert_int_equal(policy_sha256(b, hb, NULL), 0);
    assert_string_equal(ha, hb);
    assert_int_equal(policy_version(a), 3);
    assert_int_equal(policy_rule_count(a), 1);
}

static void canonical_comes_back(void **state)
{
    AUTO_PTR(policy_free) struct policy *p = NULL, *again = NULL;
    AUTO(buf_fini) struct buf one = BUF_INIT(MIB), two = BUF_INIT(MIB);

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_int_equal(policy_canonical(p, &one, NULL), 0);
    assert_int_equal(policy_parse(one.p, one.len, &again, NULL, NULL), 0);
    assert_int_equal(policy_canonical(again, &two, NULL), 0);
    assert_string_equal(one.p, two.p);
    assert_non_null(strstr(one.p, "\"id\":\"no-root-wipe\""));
}

/* --- matchers --- */

static void programs(void **state)
{
    fires("command: {program: rm}", "rm x", true);
    fires("command: {program: rm}", "/bin/rm x", true);
    fires("command: {program: rm}", "./rm x", true);
    fires("command: {program: rm}", "'r'm x", true);
    fires("command: {program: rm}", "/b*/rm x", true);
    fires("command: {program: rm}", "rmdir x", false);
    fires("command: {program: rm}", "echo rm", false);
    fires("command: {program: [mv, 'mkfs*']}", "mkfs.ext4 x", true);
    allows("command: {program: ls}", "ls", true);
    allows("command: {program: ls}", "/usr/bin/ls", true);
    allows("command: {program: ls}", "./ls", false);
    allows("command: {program: ls}", "/tmp/ls", false);
    allows("command: {program: ls}", "/usr/bin/../../tmp/ls", false);
    allows("command: {program: ls}", "l? x", false);
    allows("command: {program: ls}", "$X", false);
    allows("command: {program: './*'}", "./run.sh", true);
    allows("command: {program: './*'}", "./../run.sh", false);
    allows("command: {program: './*'}", "run.sh", false);
}

static void flags(void **state)
{
    static const char m[] = "command: {program: rm, flags: [r, f]}";
    static const char *const yes[] = {"rm -rf x",        "rm -fr x",        "rm -r -f x", "rm -f x -r",
                                      "rm x -rf",        "rm -Rf x",        "rm -vfR x",  "rm --recursive --force x",
                                      "rm -r --force x", "rm --rec --fo x", "rm -rf -- x"};
    static const char *const no[] = {"rm -r x",     "rm -f x",      "rm x",      "rm -- -rf",
                                     "rm -r -- -f", "rm --force x", "rm -i -v x"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        fires(m, yes[i], true);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        fires(m, no[i], false);
    fires("command: {program: rm, flags: [recursive]}", "rm -r x", true);
    fires("command: {program: rm, flags: [--recursive]}", "rm -R x", true);
    fires("command: {program: git, flags: [force]}", "git push --force", true);
    fires("command: {program: find, flags: [delete]}", "find . -delete", true);
    fires("command: {program: ls, flags: [r]}", "ls -R", false);
}

static void paths(void **state)
{
    static const char root[] = "command: {program: rm, paths: ['/']}",
                      etc[] = "command: {program: rm, paths: ['/etc/**']}";
    static const char *const is_root[] = {"rm /",   "rm //",      "rm /.",      "rm /tmp/..",   "rm /*",
                                          "rm '/'", "rm {/,x}",   "rm -- /",    "cd / && rm .", "cd /tmp; rm ..",
                                          "rm ..",  "X=/; rm $X", "rm ${X:-/}", "rm /$X"};
    static const char *const not_root[] = {"rm x", "rm /x", "rm ./", "rm '/*'", "rm $X", "rm \"$X/y\"", "rm /tmp/*"};

    for (size_t i = 0; i < ARRAY_LEN(is_root); i++)
        fires(root, is_root[i], true);
    for (size_t i = 0; i < ARRAY_LEN(not_root); i++)
        fires(root, not_root[i], false);
    fires(etc, "rm /etc", true);
    fires(etc, "rm /etc/a/b", true);
    fires(etc, "rm /e*/a", true);
    fires(etc, "rm /etcetera", false);
    fires("command: {program: rm, paths: ['~']}", "rm $HOME/.", true);
    fires("command: {program: rm, paths: ['~']}", "rm /home/agent", true);
    fires("command: {program: dd, paths: ['/dev/sd*']}", "dd if=x of=/dev/sda", true);
    fires("command: {program: cp, paths: ['/etc/**']}", "cp --target-directory=/etc x", true);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/a src/b/c", true);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/*.c", true);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/a doc/b", false);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/../b", false);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/$X", false);
    allows("command: {program: cat, paths: ['src/**']}", "cat s*/x", false);
    allows("command: {program: cat, paths: ['src/**']}", "cat src/.*/x", false);
    allows("command: {program: cat, paths: ['src/**']}", "cat", false);
}

static void word_patterns(void **state)
{
    allows("command: {any: ['make test']}", "make test", true);
    allows("command: {any: ['make test']}", "make  'test'", true);
    allows("command: {any: ['make test']}", "make test x", false);
    allows("command: {any: ['make test']}", "make", false);
    allows("command: {any: ['pytest *']}", "pytest", true);
    allows("command: {any: ['pytest *']}", "pytest -x a $X *.py", true);
    allows("command: {any: ['pytest *']}", "pytest; rm x", false);
    allows("command: {any: ['pytest *']}", "pytest && pytest", true);
    allows("command: {any: ['pytest *']}", "pytest | tee x", false);
    allows("command: {any: ['pytest *']}", "pytest $(id)", false);
    allows("command: {any: ['git * log *']}", "git a b log", true);
    allows("command: {any: ['git * log *']}", "git status", false);
    allows("command: {any: ['go test ./*']}", "go test ./...", true);
    allows("command: {any: ['go test ./*']}", "go test $X", false);
    fires("command: {any: ['git push *']}", "git push", true);
    fires("command: {any: ['git push *']}", "git -C x --no-pager push -f", true);
    fires("command: {any: ['kill * -1']}", "kill -9 -1", true);
}

static void path_rules(void **state)
{
    fires("path: {write: ['/etc/**']}", "echo > /etc/x", true);
    fires("path: {write: ['/etc/**']}", "tee /etc/x", true);
    fires("path: {write: ['/etc/**']}", "cat /etc/x", false);
    fires("path: {read: ['**/.env']}", "cat a/.env", true);
    fires("path: {read: ['**/.env']}", "cat < .env", true);
    fires("path: {read: ['**/.env']}", "cat *", false);
    fires("path: {read: ['**/.env']}", "echo .env", false);
    fires("path: {read: ['~/.ssh/**']}", "cat ~/.ssh/$X", true);
    fires("path: {read: ['~/.ssh/**']}", "cat ~/.ssh/*", true);
    fires("host: '*.evil.example'", "curl https://a.evil.example/x", true);
    fires("host: '*.evil.example'", "curl https://u:p@a.evil.example:8/x", true);
    fires("host: '*.evil.example'", "curl https://good.example/a.evil.example", false);
}

static void the_strongest_wins(void **state)
{
    AUTO_PTR(policy_free)
    struct policy *p = parse("version: 1\ndefault: ask\nrules:\n"
                             "  - {id: a, decision: allow, command: {any: [a *, b *, c *, d *]}}\n"
                             "  - {id: b, decision: ask, reason: B., command: {program: b}}\n"
                             "  - {id: c, decision: deny, reason: C., command: {program: c}}\n"
                             "  - {id: w, decision: allow, path: {write: [/opt/x]}}\n");

    expect(p, "a", "allow", "a");
    expect(p, "a; b", "ask", "b");
    expect(p, "a; b; c", "deny", "c");
    expect(p, "a; z", "ask", "default");
    expect(p, "a; $X", "ask", NULL);
    expect(p, "$X; c", "deny", "c");
    expect(p, "c 'unterminated", "deny", "c");
    expect(p, "a > x", "allow", "a");
    expect(p, "a > /opt/y", "ask", "outside-workspace");
    expect(p, "a > /opt/x", "allow", "a");
    expect(p, "a 2>&1 > /dev/null", "allow", "a");
    expect(p, "X=1", "allow", "builtin");
    expect(p, "f() { a; }; f", "allow", NULL);
    expect(p, "f() { c; }; f", "deny", "c");
    expect(p, "a() { :; }; a", "ask", NULL);
    expect(p, "", "ask", "default");
    expect(p, "# x", "ask", "default");
}

static void opaque_even_when_all_is_allowed(void **state)
{
    AUTO_PTR(policy_free) struct policy *p = parse("version: 1\ndefault: allow\n");

    expect(p, "anything", "allow", "default");
    expect(p, "$X", "ask", "opaque");
    expect(p, "eval \"$X\"", "ask", "opaque");
    expect(p, "x > /etc/y", "ask", "outside-workspace");
}

/* --- texts made to be too much --- */

static void repeat(struct buf *b, const char *begin, const char *unit, size_t n)
{
    buf_reset(b);
    buf_puts(b, begin);
    while (n-- > 0)
        buf_puts(b, unit);
}

static void variables_past_the_table(void **state)
{
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);

    assert_int_equal(policy_default(&p, NULL), 0);
    for (int i = 0; i < 600; i++)
        buf_printf(&b, "a%d=x;", i);
    buf_puts(&b, "o=--checkpoint-action=exec=sh; tar cf a.tar $o b");
    expect(p, b.p, "ask", "opaque");
}

/* Each took seconds, or minutes, of CPU time before. */
static void judged_in_bounded_time(void **state)
{
    static const struct {
        const char *begin, *unit;
        size_t n;
    } rows[] = {{"find .", " -exec rm {} +", 4000},
                {"find .", " -delete", 7000},
                {"", "cd aaaaaaaaa;", 4000},
                {"ls", " ${a:-x}", 6000},
                {"ls", " a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 1000}};
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB), dir = BUF_INIT(64 * KIB);
    clock_t start = clock();

    assert_int_equal(policy_default(&p, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
        repeat(&b, rows[i].begin, rows[i].unit, rows[i].n);
        assert_int_equal(policy_judge_command(p, b.p, b.len, NULL, &v, NULL), 0);
    }
    repeat(&dir, "", "a/", 1000);
    buf_reset(&b);
    for (int i = 0; i < 16; i++)
        buf_printf(&b, "x=%s%d;", dir.p, i);
    buf_puts(&b, "rm");
    for (int i = 0; i < 10000; i++)
        buf_puts(&b, " $x");
    expect(p, b.p, "ask", "opaque");
    assert_true((clock() - start) / CLOCKS_PER_SEC < 15); /* 1 s; 15 with sanitizers on a slow machine */
}

/* --- what a verdict tells --- */

static void names_the_piece(void **state)
{
    static const char text[] = "make test && sudo sh -c 'rm -rf /' > log";
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_int_equal(policy_judge_command(p, text, strlen(text), NULL, &v, NULL), 0);
    assert_int_equal(v.decision, POLICY_DENY);
    assert_string_equal(v.rule, "no-root-wipe");
    assert_string_equal(v.piece, "rm -rf /");
    assert_int_equal(v.at.at, 13);
    assert_int_equal(v.at.len, strlen(text) - 13);
    assert_true(v.nparts >= 4);
    assert_string_equal(v.parts[0].text, "make test");
    assert_int_equal(v.parts[0].decision, POLICY_ALLOW);
}

static void vectors(void **state)
{
    static const char *const wipe[] = {"rm", "-rf", "/"}, *const literal[] = {"echo", "$(rm -rf /)", ";", "rm"},
                             *const shell[] = {"sh", "-c", "rm -rf /"}, *const star[] = {"rm", "-rf", "/*"};
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO(verdict_fini) struct verdict a = VERDICT_INIT, b = VERDICT_INIT, c = VERDICT_INIT, d = VERDICT_INIT;

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_int_equal(policy_judge_argv(p, wipe, 3, NULL, &a, NULL), 0);
    assert_int_equal(a.decision, POLICY_DENY);
    assert_int_equal(policy_judge_argv(p, literal, 4, NULL, &b, NULL), 0);
    assert_int_equal(b.decision, POLICY_ALLOW);
    assert_int_equal(policy_judge_argv(p, shell, 3, NULL, &c, NULL), 0);
    assert_int_equal(c.decision, POLICY_DENY);
    assert_int_equal(policy_judge_argv(p, star, 3, NULL, &d, NULL), 0);
    assert_int_not_equal(d.decision, POLICY_ALLOW);
}

static void places(void **state)
{
    struct policy_place sub = {.cwd = "sub/dir"}, other = {.workspace = "/srv/p", .cwd = "/srv/p", .home = "/home/x"},
                        tmp = {.cwd = "/opt"};
    static const struct {
        const char *cmd;
        int in_sub, in_other, in_opt;
    } rows[] = {{"rm -rf ../..", POLICY_ASK, POLICY_DENY, POLICY_DENY},
                {"rm -rf ../x", POLICY_ALLOW, POLICY_ASK, POLICY_ASK},
                {"rm -rf x", POLICY_ALLOW, POLICY_ALLOW, POLICY_ASK},
                {"rm -rf /home/x", POLICY_DENY, POLICY_DENY, POLICY_DENY},
                {"touch /srv/p/x", POLICY_ASK, POLICY_ALLOW, POLICY_ASK}};
    AUTO_PTR(policy_free) struct policy *p = NULL;

    assert_int_equal(policy_default(&p, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(verdict_fini) struct verdict a = VERDICT_INIT, b = VERDICT_INIT, c = VERDICT_INIT;
        assert_int_equal(policy_judge_command(p, rows[i].cmd, strlen(rows[i].cmd), &sub, &a, NULL), 0);
        assert_int_equal(policy_judge_command(p, rows[i].cmd, strlen(rows[i].cmd), &other, &b, NULL), 0);
        assert_int_equal(policy_judge_command(p, rows[i].cmd, strlen(rows[i].cmd), &tmp, &c, NULL), 0);
        if ((int)a.decision != rows[i].in_sub || (int)b.decision != rows[i].in_other ||
            (int)c.decision != rows[i].in_opt)
            fail_msg("%s: %d %d %d", rows[i].cmd, a.decision, b.decision, c.decision);
    }
}

/* --- files, hosts, tools --- */

static enum policy_decision on_path(const struct policy *p, enum policy_access how, const char *path)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    assert_int_equal(policy_judge_path(p, how, path, NULL, &v, NULL), 0);
    return v.decision;
}

static enum policy_decision on_host(const struct policy *p, const char *host)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    assert_int_equal(policy_judge_host(p, host, &v, NULL), 0);
    return v.decision;
}

static enum policy_decision on_tool(const struct policy *p, const char *tool)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;

    assert_int_equal(policy_judge_tool(p, tool, &v, NULL), 0);
    return v.decision;
}

static void files_hosts_tools(void **state)
{
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO_PTR(policy_free) struct policy *h = with_rule("deny", "decision: allow, host: [\"*.example.org\", 10.0.0.1]");

    assert_int_equal(policy_default(&p, NULL), 0);
    assert_int_equal(on_path(p, POLICY_READ, "src/main.c"), POLICY_ALLOW);
    assert_int_equal(on_path(p, POLICY_WRITE, "src/main.c"), POLICY_ALLOW);
    assert_int_equal(on_path(p, POLICY_WRITE, "../x"), POLICY_ASK);
    assert_int_equal(on_path(p, POLICY_WRITE, "/etc/passwd"), POLICY_DENY);
    assert_int_equal(on_path(p, POLICY_WRITE, "a/../../etc/passwd"), POLICY_DENY);
    assert_int_equal(on_path(p, POLICY_WRITE, ".git/hooks/x"), POLICY_ASK);
    assert_int_equal(on_path(p, POLICY_READ, ".env"), POLICY_ASK);
    assert_int_equal(on_path(p, POLICY_READ, "/home/agent/.ssh/id_rsa"), POLICY_DENY);
    assert_int_equal(on_path(p, POLICY_READ, "a\nb"), POLICY_ASK);
    assert_int_equal(on_host(p, "example.org"), POLICY_ASK);
    assert_int_equal(on_host(h, "A.Example.ORG."), POLICY_ALLOW);
    assert_int_equal(on_host(h, "example.org.evil"), POLICY_DENY);
    assert_int_equal(on_host(h, "10.0.0.1"), POLICY_ALLOW);
    assert_int_equal(on_host(h, ""), POLICY_ASK);
    assert_int_equal(on_tool(p, "read"), POLICY_ALLOW);
    assert_int_equal(on_tool(p, "http_request"), POLICY_ASK);
    assert_int_equal(on_tool(p, "other"), POLICY_ASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_problem_at_once),
        cmocka_unit_test(refused_documents),
        cmocka_unit_test(too_large_documents),
        cmocka_unit_test(json_is_yaml_too),
        cmocka_unit_test(canonical_comes_back),
        cmocka_unit_test(programs),
        cmocka_unit_test(flags),
        cmocka_unit_test(paths),
        cmocka_unit_test(word_patterns),
        cmocka_unit_test(path_rules),
        cmocka_unit_test(the_strongest_wins),
        cmocka_unit_test(opaque_even_when_all_is_allowed),
        cmocka_unit_test(variables_past_the_table),
        cmocka_unit_test(judged_in_bounded_time),
        cmocka_unit_test(names_the_piece),
        cmocka_unit_test(vectors),
        cmocka_unit_test(places),
        cmocka_unit_test(files_hosts_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
