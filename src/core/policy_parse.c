/* policy_parse - a policy document from YAML or JSON, with every problem named at once.
 *
 * May include: core/policy_int.h core/policy_yaml.h.  Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"
#include "core/policy_yaml.h"

struct ctx {
    struct policy_problems *pp;
    bool oom;
    char where[32]; /* "rules[3]" */
};

/* --- problems --- */

PRINTF(4, 5) static void problem(struct ctx *c, int line, const char *field, const char *fmt, ...)
{
    struct policy_problems *pp = c->pp;
    va_list ap;

    if (pp->n >= POLICY_PROBLEMS_MAX) {
        pp->more++;
        return;
    }
    struct policy_problem *p = &pp->v[pp->n++];
    p->line = line;
    snprintf(p->field, sizeof(p->field), "%s%s%.60s", c->where, c->where[0] && field[0] ? "." : "", field);
    va_start(ap, fmt);
    vsnprintf(p->msg, sizeof(p->msg), fmt, ap);
    va_end(ap);
}

static void known_keys(struct ctx *c, const struct yaml *map, const char *const *keys, size_t n, const char *list)
{
    for (const struct yaml *y = map->child; y; y = y->next) {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || str_eq(keys[i], y->key);
        if (!known)
            problem(c, y->key_line, "", "the field \"%.40s\" is not known here; known are: %s", y->key, list);
    }
}

/* --- values --- */

static char *text(struct ctx *c, const char *s)
{
    char *p = str_dup(s);

    c->oom = c->oom || !p;
    return p;
}

static bool decision(struct ctx *c, const struct yaml *y, const char *field, enum policy_decision *ret)
{
    static const enum policy_decision all[] = {POLICY_ALLOW, POLICY_ASK, POLICY_DENY};

    for (size_t i = 0; y && i < ARRAY_LEN(all); i++) {
        if (y->kind == YAML_STR && str_eq(y->text, policy_decision_name(all[i]))) {
            *ret = all[i];
            return true;
        }
    }
    problem(c, y ? y->line : 0, field, "%s allow, ask or deny", y ? "must be" : "is missing: add");
    return false;
}

/* What a pattern may hold: printable text, so that it can neither hide nor be mistaken for a form. */
static bool pattern_ok(struct ctx *c, const struct yaml *y, const char *field)
{
    const char *p = y->text, *end;

    if (y->kind != YAML_STR) {
        problem(c, y->line, field, "must be a text");
        return false;
    }
    end = p + strlen(p);
    if (p == end || end - p > POLICY_PATTERN_MAX) {
        problem(c, y->line, field, "must have 1 to %d bytes", POLICY_PATTERN_MAX);
        return false;
    }
    while (p < end) {
        int32_t cp = utf8_next(&p, end);
        if (cp < 0x20 || cp == 0x7f || utf8_deceptive(cp)) {
            problem(c, y->line, field, "holds a control or invisible character: remove it");
            return false;
        }
    }
    return true;
}

/* A text or a list of texts. */
static void list(struct ctx *c, const struct yaml *y, const char *field, struct policy_list *ret)
{
    if (!y)
        return;
    if (y->kind == YAML_MAP || (y->kind == YAML_SEQ && y->n == 0)) {
        problem(c, y->line, field, "must be a text or a list of texts that is not empty");
        return;
    }
    size_t n = y->kind == YAML_SEQ ? y->n : 1;
    if (n > POLICY_LIST_MAX) {
        problem(c, y->line, field, "has more than %d members: split the rule", POLICY_LIST_MAX);
        return;
    }
    ret->v = calloc(n, sizeof(*ret->v));
    if (!ret->v) {
        c->oom = true;
        return;
    }
    for (const struct yaml *m = y->kind == YAML_SEQ ? y->child : y; m; m = y->kind == YAML_SEQ ? m->next : NULL) {
        if (!pattern_ok(c, m, field))
            continue;
        ret->v[ret->n] = text(c, m->text);
        ret->n += ret->v[ret->n] != NULL;
    }
}

/* --- matchers --- */

static bool want_map(struct ctx *c, const struct yaml *y, const char *field)
{
    if (y->kind == YAML_MAP)
        return true;
    problem(c, y->line, field, "must be a map, as in {program: rm}");
    return false;
}

static void flags_ok(struct ctx *c, const struct yaml *y, const struct policy_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const char *f = l->v[i] + strspn(l->v[i], "-");
        if (!*f || strpbrk(f, " =*?"))
            problem(c, y->line, "command.flags", "\"%.40s\" is no flag: write r, -r or --recursive", l->v[i]);
    }
}

static void command(struct ctx *c, const struct yaml *y, struct policy_rule *r)
{
    static const char *const keys[] = {"program", "flags", "paths", "any"};

    r->kind = POLICY_M_COMMAND;
    if (!want_map(c, y, "command"))
        return;
    known_keys(c, y, keys, ARRAY_LEN(keys), "program, flags, paths, any");
    list(c, yaml_get(y, "program"), "command.program", &r->program);
    list(c, yaml_get(y, "flags"), "command.flags", &r->flags);
    list(c, yaml_get(y, "paths"), "command.paths", &r->paths);
    list(c, yaml_get(y, "any"), "command.any", &r->any);
    if (yaml_get(y, "flags"))
        flags_ok(c, yaml_get(y, "flags"), &r->flags);
    bool program = yaml_get(y, "program"), any = yaml_get(y, "any");
    if (!program && !any)
        problem(c, y->line, "command", "needs a program, or patterns in any");
    if (any && (program || yaml_get(y, "flags") || yaml_get(y, "paths")))
        problem(c, y->line, "command", "has any together with program, flags or paths: make two rules of it");
    for (size_t i = 0; i < r->any.n; i++) {
        if (strspn(r->any.v[i], " ") == strlen(r->any.v[i]))
            problem(c, y->line, "command.any", "a pattern needs a word");
    }
}

static void path(struct ctx *c, const struct yaml *y, struct policy_rule *r)
{
    static const char *const keys[] = {"read", "write"};

    r->kind = POLICY_M_PATH;
    if (!want_map(c, y, "path"))
        return;
    known_keys(c, y, keys, ARRAY_LEN(keys), "read, write");
    list(c, yaml_get(y, "read"), "path.read", &r->read);
    list(c, yaml_get(y, "write"), "path.write", &r->write);
    if (!yaml_get(y, "read") && !yaml_get(y, "write"))
        problem(c, y->line, "path", "needs read or write with a list of globs");
}

static void matcher(struct ctx *c, const struct yaml *y, struct policy_rule *r)
{
    const struct yaml *cmd = yaml_get(y, "command"), *p = yaml_get(y, "path"), *host = yaml_get(y, "host"),
                      *tool = yaml_get(y, "tool");

    if (!!cmd + !!p + !!host + !!tool != 1) {
        problem(c, y->line, "", "needs exactly one of command, path, host, tool");
        return;
    }
    if (cmd)
        command(c, cmd, r);
    if (p)
        path(c, p, r);
    if (host) {
        r->kind = POLICY_M_HOST;
        list(c, host, "host", &r->names);
    }
    if (tool) {
        r->kind = POLICY_M_TOOL;
        list(c, tool, "tool", &r->names);
    }
}

/* --- rules --- */

static bool id_ok(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= POLICY_ID_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n &&
           !strchr("._-", s[0]);
}

static void rule_id(struct ctx *c, const struct yaml *y, struct policy_rule *r)
{
    static const char *const taken[] = {"default", "opaque", "outside-workspace", "function", "builtin", "wrapper"};
    const struct yaml *id = yaml_get(y, "id");

    if (!id || id->kind != YAML_STR || !id_ok(id->text)) {
        problem(c, id ? id->line : y->line, "id", "%s 1 to %d of a-z 0-9 . _ - beginning with a letter or digit",
                id ? "must be" : "is missing: add", POLICY_ID_MAX);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        if (str_eq(id->text, taken[i]))
            problem(c, id->line, "id", "\"%s\" is the name of a built-in answer: choose another", taken[i]);
    }
    r->id = text(c, id->text);
}

static void rule_reason(struct ctx *c, const struct yaml *y, struct policy_rule *r)
{
    const struct yaml *reason = yaml_get(y, "reason");

    if (!reason) {
        if (r->decision != POLICY_ALLOW)
            problem(c, y->line, "reason", "is missing: a rule that asks or denies says why, in a sentence");
        r->reason = text(c, "");
        return;
    }
    if (reason->kind != YAML_STR || !*reason->text || strlen(reason->text) > POLICY_REASON_MAX)
        problem(c, reason->line, "reason", "must be a sentence of 1 to %d bytes", POLICY_REASON_MAX);
    else if (pattern_ok(c, reason, "reason"))
        r->reason = text(c, reason->text);
}

static void rule(struct ctx *c, const struct yaml *y, size_t i, struct policy_rule *r)
{
    static const char *const keys[] = {"id", "decision", "reason", "command", "path", "host", "tool"};

    snprintf(c->where, sizeof(c->where), "rules[%zu]", i);
    if (y->kind != YAML_MAP) {
        problem(c, y->line, "", "must be a map with id, decision, reason and one matcher");
        return;
    }
    known_keys(c, y, keys, ARRAY_LEN(keys), "id, decision, reason, command, path, host, tool");
    rule_id(c, y, r);
    (void)decision(c, yaml_get(y, "decision"), "decision", &r->decision);
    rule_reason(c, y, r);
    matcher(c, y, r);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void unique_ids(struct ctx *c, const struct policy *p, int line)
{
    const char **v = calloc(p->nrules + 1, sizeof(*v));
    size_t n = 0;

    if (!v) {
        c->oom = true;
        return;
    }
    for (size_t i = 0; i < p->nrules; i++) {
        if (p->rules[i].id)
            v[n++] = p->rules[i].id;
    }
    qsort(v, n, sizeof(*v), by_id);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(v[i], v[i - 1]) == 0)
            problem(c, line, "rules", "the id \"%s\" stands twice: ids are unique", v[i]);
    }
    free(v);
}

static void rules(struct ctx *c, const struct yaml *y, struct policy *p)
{
    size_t i = 0;

    if (!y)
        return;
    if (y->kind != YAML_SEQ) {
        problem(c, y->line, "rules", "must be a list");
        return;
    }
    if (y->n > POLICY_RULES_MAX) {
        problem(c, y->line, "rules", "has %zu rules; the most is %d", y->n, POLICY_RULES_MAX);
        return;
    }
    p->rules = calloc(y->n + 1, sizeof(*p->rules));
    if (!p->rules) {
        c->oom = true;
        return;
    }
    p->nrules = y->n;
    for (const struct yaml *m = y->child; m; m = m->next, i++)
        rule(c, m, i, &p->rules[i]);
    c->where[0] = '\0';
    unique_ids(c, p, y->line);
}

static void document(struct ctx *c, const struct yaml *y, struct policy *p)
{
    static const char *const keys[] = {"version", "default", "rules"};
    const struct yaml *v = yaml_get(y, "version");

    if (y->kind != YAML_MAP) {
        problem(c, y->line, "", "a policy is a map with version, default and rules");
        return;
    }
    known_keys(c, y, keys, ARRAY_LEN(keys), "version, default, rules");
    if (!yaml_int(v, &p->version) || p->version < 1 || p->version > 1000000000)
        problem(c, v ? v->line : 0, "version", "%s a whole number from 1 up", v ? "must be" : "is missing: add");
    (void)decision(c, yaml_get(y, "default"), "default", &p->def);
    rules(c, yaml_get(y, "rules"), p);
}

/* --- entry points --- */

static void list_fini(struct policy_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free((void *)(uintptr_t)l->v[i]);
    free(l->v);
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->nrules; i++) {
        struct policy_rule *r = &p->rules[i];
        free(r->id);
        free(r->reason);
        list_fini(&r->program);
        list_fini(&r->flags);
        list_fini(&r->paths);
        list_fini(&r->any);
        list_fini(&r->read);
        list_fini(&r->write);
        list_fini(&r->names);
    }
    free(p->rules);
    free(p);
}

static int failed(struct policy_problems *pp, struct err *e)
{
    const struct policy_problem *p = &pp->v[0];
    char line[24] = "";

    if (p->line > 0)
        snprintf(line, sizeof(line), "line %d: ", p->line);
    return err_field(e, ERR_INVALID, p->field, "%s%s%s%s", line, p->field, p->field[0] ? " " : "", p->msg);
}

int policy_parse(const char *s, size_t n, struct policy **ret, struct policy_problems *pp, struct err *e)
{
    AUTO_PTR(yaml_free) struct yaml *y = NULL;
    struct err why = ERR_INIT;
    struct policy_problems *own = pp ? NULL : calloc(1, sizeof(*own));
    struct ctx c = {.pp = pp ? pp : own};
    int line = 0;

    if (!c.pp)
        return err_oom(e);
    c.pp->n = c.pp->more = 0;
    struct policy *p = calloc(1, sizeof(*p));
    c.oom = !p;
    int r = p ? yaml_parse(s, n, POLICY_TEXT_MAX, &y, &line, &why) : -ERR_OOM;
    if (r == -ERR_OOM)
        c.oom = true;
    else if (r < 0)
        problem(&c, line, "", "%s", why.msg);
    else
        document(&c, y, p);
    if (c.oom)
        r = err_oom(e);
    else if (c.pp->n)
        r = failed(c.pp, e);
    free(own);
    if (r < 0) {
        policy_free(p);
        return r;
    }
    *ret = p;
    return 0;
}
