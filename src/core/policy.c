/* policy - the judge: every piece of a command gets its answer, the strongest one counts.
 *
 *   deny > ask > allow.   A command is `allow` only when each of its pieces is.
 *
 * May include: core/policy_int.h.  Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"

const char *policy_decision_name(enum policy_decision d)
{
    return d == POLICY_ALLOW ? "allow" : d == POLICY_ASK ? "ask" : "deny";
}

int64_t policy_version(const struct policy *p)
{
    return p->version;
}

size_t policy_rule_count(const struct policy *p)
{
    return p->nrules;
}

void verdict_fini(struct verdict *v)
{
    for (size_t i = 0; i < v->nparts; i++) {
        free(v->parts[i].text);
        free(v->parts[i].how);
    }
    free(v->parts);
    free(v->piece);
    *v = VERDICT_INIT;
}

/* --- one answer --- */

struct answer {
    bool any; /* a rule or a built-in answer spoke */
    enum policy_decision decision;
    const char *rule, *reason;
    const char *text; /* the piece, when it is not the whole command */
};

/* The stronger answer stays; among equals the first. */
static void speak(struct answer *a, enum policy_decision d, const char *rule, const char *reason, const char *text)
{
    if (a->any && a->decision >= d)
        return;
    *a = (struct answer){true, d, rule, reason, text};
}

static void speak_rule(struct answer *a, const struct policy_rule *r, const char *text)
{
    speak(a, r->decision, r->id, r->reason[0] ? r->reason : "A rule of the policy allows it.", text);
}

/* --- where commands run --- */

static const char *or_default(const char *s, const char *def)
{
    return s && *s ? s : def;
}

static int place_init(struct place *pl, const struct policy_place *in, struct err *e)
{
    const char *cwd = in ? in->cwd : NULL;

    pl->workspace = or_default(in ? in->workspace : NULL, "/workspace");
    pl->home = or_default(in ? in->home : NULL, "/home/agent");
    pl->cwd = BUF_INIT(16 * KIB);
    if (!path_normal(pl, pl->workspace, or_default(cwd, "."), &pl->cwd)) {
        buf_reset(&pl->cwd);
        buf_puts(&pl->cwd, "/\x01\x01"); /* too long: nobody knows where that is */
    }
    return pl->cwd.bad == -ERR_OOM ? err_oom(e) : 0;
}

/* The current directory of each scope, as far as the text tells. */
struct dirs {
    char **v;
    size_t n;
    const struct shell *sh;
    const struct place *pl;
};

static int dirs_init(struct dirs *d, const struct shell *sh, const struct place *pl)
{
    d->v = calloc(sh->nscopes + 1, sizeof(*d->v));
    d->n = sh->nscopes;
    d->sh = sh;
    d->pl = pl;
    return d->v ? 0 : -ERR_OOM;
}

static void dirs_fini(struct dirs *d)
{
    for (size_t i = 0; d->v && i < d->n; i++)
        free(d->v[i]);
    free(d->v);
}

/* A scope starts where the one around it is at that moment. */
static const char *dir_of(const struct dirs *d, int scope)
{
    for (int steps = 0; scope >= 0 && steps < 4096; steps++, scope = d->sh->scopes[scope]) {
        if (d->v[scope])
            return d->v[scope];
    }
    return d->pl->cwd.p;
}

/* A scope that starts keeps what it starts with. */
static int dir_enter(struct dirs *d, int scope)
{
    if (!d->v[scope])
        d->v[scope] = str_dup(dir_of(d, scope));
    return d->v[scope] ? 0 : -ERR_OOM;
}

static int chdir_to(struct dirs *d, const struct shell_cmd *c)
{
    static const char *const movers[] = {"cd", "pushd", "popd", "chdir"};
    AUTO(buf_fini) struct buf out = BUF_INIT(16 * KIB), form = BUF_INIT(16 * KIB);
    const char *prog = c->nwords ? c->words[0].value : NULL, *cwd = dir_of(d, c->scope);
    bool moves = false;
    size_t i = 1;

    for (size_t k = 0; k < ARRAY_LEN(movers); k++)
        moves = moves || str_eq(prog, movers[k]);
    if (!moves)
        return 0;
    while (i < c->nwords && c->words[i].form[0] == '-' && c->words[i].form[1])
        i++;
    const char *to = i < c->nwords ? c->words[i].form : str_eq(prog, "cd") ? "\x05" : "\x01\x01";
    if (str_eq(to, "-"))
        to = "\x01\x01";
    if (!shell_resolve(d->sh, to, 0, &form) || !path_normal(d->pl, cwd, form.p ? form.p : "", &out)) {
        buf_reset(&out);
        buf_puts(&out, "/\x01\x01");
    }
    /* The text's own variables only say where it may be, not where it is. */
    bool relative = *to != '/' && *to != SHELL_F_HOME;
    if ((!shell_form_known(to) || (relative && !shell_form_known(cwd))) && out.p && shell_form_known(out.p))
        buf_puts(&out, "/\x01\x01/..");
    char *copy = out.bad ? NULL : str_dup(out.p);
    if (!copy)
        return -ERR_OOM;
    free(d->v[c->scope]);
    d->v[c->scope] = copy;
    return 0;
}

/* --- files and hosts of one command --- */

/* Files judged in one text: past that it is opaque, so that judging stays quick. */
#define FILES_MAX 8192
/* The same for the bytes of their names, each time a rule looks at one. */
#define PATHS_MAX (8 * MIB)

struct touch {
    unsigned *budget; /* files that may still be judged */
    const struct policy *p;
    const struct shell *sh;
    const struct place *pl;
    const char *cwd;
    struct answer *a;
    bool outside;             /* some write is not harmless; the first one: */
    const char *outside_text; /* NULL: the whole command */
    const char *text;         /* the piece being looked at */
};

/* The last name is nothing but globs, or partly unknown: it says nothing about a rule's own name. */
static bool vague(const char *form)
{
    size_t n = strlen(form), from;

    while (n > 1 && form[n - 1] == '/')
        n--;
    for (from = n; from > 0 && form[from - 1] != '/'; from--)
        ;
    return n > from && (memchr(form + from, SHELL_F_VAR, n - from) || strspn(form + from, "\x02\x03") >= n - from);
}

/* Only the directory counts then: ~/.ssh/$X is below ~/.ssh whatever X is. */
static bool starred(const char *form, struct buf *out)
{
    for (const char *p = form; p && *p; p++) {
        buf_addc(out, *p == SHELL_F_VAR ? SHELL_F_STAR : *p);
        if (*p == SHELL_F_VAR && !(p = strchr(p + 1, SHELL_F_VAR)))
            break;
    }
    return out->p && !out->bad;
}

/* ~/.[s]sh/X with stars for X, /etc/ and a star: the shell's own globs may come to a name of the list. find / -name x
 * comes to names at any depth. */
static bool globs_reach(const struct policy_list *l, const struct place *pl, const struct seen *s)
{
    const char *abs = s->abs.p;

    return !strchr(abs, SHELL_F_VAR) && (str_eq(abs, "/\x02") || path_in_may(l, pl, s));
}

/* The rules about one possible reading of a path. *ret_allowed: an allow rule names it. */
static void path_rules(struct touch *t, enum policy_access how, const char *form, bool *ret_allowed)
{
    AUTO(seen_fini) struct seen s = SEEN_INIT, dir = SEEN_INIT;
    AUTO(buf_fini) struct buf stars = BUF_INIT(64 * KIB);
    bool by_dir = how == POLICY_READ && vague(form);

    if (!path_see(t->pl, t->cwd, form, &s) ||
        (by_dir && !(starred(form, &stars) && path_see(t->pl, t->cwd, stars.p, &dir))))
        return;
    for (size_t i = 0; i < t->p->nrules; i++) {
        const struct policy_rule *r = &t->p->rules[i];
        const struct policy_list *l = how == POLICY_READ ? &r->read : &r->write;
        if (r->kind != POLICY_M_PATH || l->n == 0)
            continue;
        if (r->decision == POLICY_ALLOW)
            *ret_allowed = *ret_allowed || path_in_must(l, t->pl, &s);
        else if (by_dir ? path_in_must(l, t->pl, &dir) : path_in_may(l, t->pl, &s))
            speak_rule(t->a, r, t->text);
        else if (by_dir && r->decision == POLICY_DENY && globs_reach(l, t->pl, &s))
            speak(t->a, POLICY_ASK, r->id, "A glob may come to a file that a rule denies.", t->text);
    }
}

/* Below /dev only what is written to in place is harmless. */
static bool takes_place(const struct seen *s)
{
    return str_starts(s->abs.p, "/dev/");
}

static void touch_file(void *arg, int kind, const char *form)
{
    struct touch *t = arg;
    AUTO(seen_fini) struct seen s = SEEN_INIT;
    enum policy_access how = kind == POLICY_READ ? POLICY_READ : POLICY_WRITE;
    bool allowed = false;

    if (kind == FILE_MAYBE && str_eq(form, ".") && !shell_form_known(t->cwd))
        return; /* somewhere below, as a rule: cd "$d" && make */
    if (kind == FILE_MAYBE) {
        if (!t->outside && (!path_see(t->pl, t->cwd, form, &s) || !path_harmless(t->pl, &s))) {
            t->outside = true;
            t->outside_text = t->text;
        }
        return;
    }

    if (*t->budget == 0) {
        speak(t->a, POLICY_ASK, "opaque", "It names more files than can be judged.", NULL);
        return;
    }
    --*t->budget;
    for (unsigned pick = 0; pick < SHELL_READINGS_MAX; pick++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        if (!path_reading(t->pl, t->sh, form, pick, &b))
            break;
        if (!(b.p[0] == SHELL_F_VAR && !strchr(b.p, '/'))) /* a wholly unknown word is left to the default */
            path_rules(t, how, b.p, &allowed);
        if (shell_form_known(form))
            break;
    }
    if (how != POLICY_WRITE || t->outside || (allowed && shell_form_known(form)))
        return;
    if (!path_see(t->pl, t->cwd, form, &s) || !path_harmless(t->pl, &s) || (kind == FILE_REPLACE && takes_place(&s))) {
        t->outside = true;
        t->outside_text = t->text;
    }
}

static void touch_host(void *arg, const char *host)
{
    struct touch *t = arg;

    for (size_t i = 0; i < t->p->nrules; i++) {
        const struct policy_rule *r = &t->p->rules[i];
        for (size_t k = 0; r->kind == POLICY_M_HOST && r->decision != POLICY_ALLOW && k < r->names.n; k++) {
            if (glob_match(r->names.v[k], host))
                speak_rule(t->a, r, NULL);
        }
    }
}

static void redirections(struct touch *t, const struct shell_cmd *c)
{
    for (size_t i = 0; i < c->nredirs; i++) {
        const struct shell_redir *r = &c->redirs[i];
        bool text = r->op == SHELL_R_HEREDOC || r->op == SHELL_R_HERESTR;
        bool dup = r->op == SHELL_R_DUPIN || r->op == SHELL_R_DUPOUT;
        if (text || dup)
            continue;
        t->text = r->target->text;
        if (r->op != SHELL_R_OUT && r->op != SHELL_R_APPEND && r->op != SHELL_R_CLOBBER && r->op != SHELL_R_BOTH &&
            r->op != SHELL_R_BOTHAPP)
            touch_file(t, POLICY_READ, r->target->form);
        if (r->op != SHELL_R_IN)
            touch_file(t, POLICY_WRITE, r->target->form);
    }
    t->text = NULL;
}

/* --- one command --- */

/* Functions whose body was judged, called where no other program can be meant. */
static bool calls_function(const struct shell *sh, const struct shell_cmd *c)
{
    const char *v = c->nwords ? c->words[0].value : NULL;

    if (c->how && !str_eq(c->how, "eval") && !str_eq(c->how, "trap"))
        return false;
    for (size_t i = 0; v && i < sh->nfuncs; i++) {
        const struct shell_func *f = &sh->funcs[i];
        if (str_eq(f->name, v) && f->sure && (f->at.at < c->at.at || c->func))
            return true;
    }
    return false;
}

static void answer_command(const struct policy *p, const struct shell *sh, const struct shell_cmd *c,
                           const struct place *pl, const char *cwd, unsigned *budget, struct answer *a)
{
    struct touch t = {.budget = budget, .p = p, .sh = sh, .pl = pl, .cwd = cwd, .a = a};

    for (size_t i = 0; i < p->nrules; i++) {
        const struct policy_rule *r = &p->rules[i];
        if (match_command(r, sh, c, pl, cwd, r->decision == POLICY_ALLOW))
            speak_rule(a, r, NULL);
    }
    redirections(&t, c);
    t.text = NULL;
    files_of(c, touch_file, &t);
    hosts_of(c, touch_host, &t);
    if (!a->any) {
        if (c->nwords == 0)
            speak(a, POLICY_ALLOW, "builtin", "It only sets variables or redirects.", NULL);
        else if (c->transparent)
            speak(a, POLICY_ALLOW, "wrapper", "It only runs what is judged by itself.", NULL);
        else if (calls_function(sh, c))
            speak(a, POLICY_ALLOW, "function", "It calls a function whose body is judged by itself.", NULL);
        else
            speak(a, p->def, "default", "No rule speaks about it: the policy's default counts.", NULL);
    }
    if (a->decision == POLICY_ALLOW && t.outside)
        speak(a, POLICY_ASK, "outside-workspace",
              "It writes or works outside the workspace, or where is only known when it runs.", t.outside_text);
}

/* --- the verdict --- */

static int add_part(struct verdict *v, size_t *cap, struct verdict_part part, const char *how, const char *text)
{
    if (v->nparts == *cap) {
        size_t more = *cap ? *cap * 2 : 8;
        struct verdict_part *p = realloc(v->parts, more * sizeof(*p));
        if (!p)
            return -ERR_OOM;
        v->parts = p;
        *cap = more;
    }
    part.text = str_dup(text);
    part.how = str_dup(how); /* the analysis it comes from is freed before the verdict */
    if (!part.text || (how && !part.how)) {
        free(part.text);
        free(part.how);
        return -ERR_OOM;
    }
    v->parts[v->nparts++] = part;
    return 0;
}

static void fill(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);

    if (n >= cap)
        n = cap - 1;
    while (n > 0 && src[n] && ((unsigned char)src[n] & 0xc0) == 0x80)
        n--;
    memcpy(dst, src, n);
    dst[n] = '\0';
}

static struct verdict_part part_of(const struct answer *a, struct shell_range at, bool opaque)
{
    struct verdict_part p = {.decision = a->decision, .at = at, .opaque = opaque};

    fill(p.rule, sizeof(p.rule), a->rule);
    fill(p.reason, sizeof(p.reason), a->reason);
    return p;
}

static int opaque_parts(const struct shell *sh, struct verdict *v, size_t *cap)
{
    char reason[256];

    for (size_t i = 0; i < sh->nopaque; i++) {
        const struct shell_opaque *o = &sh->opaque[i];
        snprintf(reason, sizeof(reason), "It cannot be known before it runs: %s.", o->reason);
        struct answer a = {true, POLICY_ASK, "opaque", reason, NULL};
        int r = add_part(v, cap, part_of(&a, o->at, true), NULL, o->text);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A function that takes the name of a program some allow rule trusts. */
static int shadowing(const struct policy *p, const struct shell *sh, struct verdict *v, size_t *cap)
{
    for (size_t i = 0; i < sh->nfuncs; i++) {
        for (size_t k = 0; k < p->nrules; k++) {
            if (p->rules[k].decision != POLICY_ALLOW || !match_program_name(&p->rules[k], sh->funcs[i].name))
                continue;
            struct answer a = {true, POLICY_ASK, "opaque", "A function takes the name of a program the policy allows.",
                               NULL};
            int r = add_part(v, cap, part_of(&a, sh->funcs[i].at, true), NULL, sh->funcs[i].name);
            if (r < 0)
                return r;
            break;
        }
    }
    return 0;
}

static int command_parts(const struct policy *p, const struct shell *sh, const struct place *pl, struct verdict *v,
                         size_t *cap)
{
    struct dirs d;
    unsigned budget = FILES_MAX;
    int r = dirs_init(&d, sh, pl);

    for (size_t i = 0; r == 0 && i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        struct answer a = {0};
        r = dir_enter(&d, c->scope);
        if (r < 0)
            break;
        answer_command(p, sh, c, pl, dir_of(&d, c->scope), &budget, &a);
        /* What was put into a variable only to find harm must not ask for itself. */
        bool guess = c->how && str_eq(c->how, "variable") && a.decision < POLICY_DENY;
        if (guess)
            a = (struct answer){true, POLICY_ALLOW, "wrapper",
                                "A guess at a variable's value: nothing in it is denied.", NULL};
        r = chdir_to(&d, c);
        const char *how = c->how && str_eq(c->how, "function") ? NULL : c->how;
        if (r == 0)
            r = add_part(v, cap, part_of(&a, c->at, false), how, a.text && *a.text ? a.text : c->text);
    }
    dirs_fini(&d);
    return r;
}

/* The strongest part speaks for all; among equals the first that has more to say than that no rule spoke. */
static int conclude(const struct policy *pol, struct verdict *v)
{
    const struct verdict_part *best = NULL;

    for (size_t i = 0; i < v->nparts; i++) {
        const struct verdict_part *p = &v->parts[i];
        bool says_more =
            best && p->decision == best->decision && str_eq(best->rule, "default") && !str_eq(p->rule, "default");
        if (!best || p->decision > best->decision || says_more)
            best = p;
    }
    v->decision = best ? best->decision : pol->def > POLICY_ASK ? pol->def : POLICY_ASK;
    v->piece = str_dup(best ? best->text : "");
    v->at = best ? best->at : (struct shell_range){0, 0};
    fill(v->rule, sizeof(v->rule), best ? best->rule : "default");
    fill(v->reason, sizeof(v->reason), best ? best->reason : "There is no command in the text.");
    return v->piece ? 0 : -ERR_OOM;
}

/* A text whose paths were not all looked at. */
static int unseen_part(const struct shell *sh, struct verdict *v, size_t *cap)
{
    struct answer a = {true, POLICY_ASK, "opaque", "It names more, or longer, paths than can be judged.", NULL};

    return add_part(v, cap, part_of(&a, sh->cmds[0]->at, true), NULL, sh->cmds[0]->text);
}

static int judge(const struct policy *p, struct shell *sh, const struct policy_place *where, struct verdict *ret,
                 struct err *e)
{
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    size_t cap = 0, left = PATHS_MAX;
    struct place pl = {.left = &left};

    int r = shell_unwrap(sh, e);
    if (r < 0)
        return r;
    r = place_init(&pl, where, e);
    if (r == 0)
        r = command_parts(p, sh, &pl, &v, &cap);
    if (r == 0 && left == 0)
        r = unseen_part(sh, &v, &cap);
    if (r == 0)
        r = opaque_parts(sh, &v, &cap);
    if (r == 0)
        r = shadowing(p, sh, &v, &cap);
    if (r == 0)
        r = conclude(p, &v);
    buf_fini(&pl.cwd);
    if (r < 0)
        return err_oom(e);
    *ret = v;
    v = VERDICT_INIT;
    return 0;
}

int policy_judge_command(const struct policy *p, const char *text, size_t n, const struct policy_place *where,
                         struct verdict *ret, struct err *e)
{
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    int r = shell_parse(text, n, &sh, e);
    return r < 0 ? r : judge(p, sh, where, ret, e);
}

int policy_judge_argv(const struct policy *p, const char *const *argv, size_t n, const struct policy_place *where,
                      struct verdict *ret, struct err *e)
{
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    int r = shell_from_argv(argv, n, &sh, e);
    return r < 0 ? r : judge(p, sh, where, ret, e);
}

/* --- paths, hosts, tools --- */

static int single(const struct answer *a, const char *what, struct verdict *ret, struct err *e)
{
    char *piece = str_dup(what);

    if (!piece)
        return err_oom(e);
    *ret = (struct verdict){.decision = a->decision, .piece = piece, .at = {0, (uint32_t)strlen(what)}};
    fill(ret->rule, sizeof(ret->rule), a->rule);
    fill(ret->reason, sizeof(ret->reason), a->reason);
    return 0;
}

static bool odd_text(const char *s)
{
    const char *p = s, *end = s + strlen(s);

    if (!utf8_valid(s, strlen(s)))
        return true;
    while (p < end) {
        int32_t cp = utf8_next(&p, end);
        if (cp < 0x20 || cp == 0x7f || utf8_deceptive(cp))
            return true;
    }
    return false;
}

static bool writes_inside(const struct place *pl, const char *path)
{
    AUTO(seen_fini) struct seen s = SEEN_INIT;

    return path_see(pl, pl->cwd.p, path, &s) && path_harmless(pl, &s);
}

int policy_judge_path(const struct policy *p, enum policy_access how, const char *path,
                      const struct policy_place *where, struct verdict *ret, struct err *e)
{
    struct place pl = {0};
    struct answer a = {0};
    bool odd = odd_text(path) || strlen(path) > 4000;

    int r = place_init(&pl, where, e);
    if (r < 0)
        return r;
    for (size_t i = 0; !odd && i < p->nrules; i++) {
        const struct policy_rule *rule = &p->rules[i];
        const struct policy_list *l = how == POLICY_READ ? &rule->read : &rule->write;
        bool sure = rule->decision == POLICY_ALLOW;
        if (rule->kind == POLICY_M_PATH &&
            (sure ? path_list_must(l, &pl, pl.cwd.p, path) : path_list_may(l, &pl, pl.cwd.p, path)))
            speak_rule(&a, rule, NULL);
    }
    if (odd)
        speak(&a, POLICY_ASK, "opaque", "The path is too long or holds characters that cannot be shown.", NULL);
    if (!a.any)
        speak(&a, p->def, "default", "No rule speaks about it: the policy's default counts.", NULL);
    if (how == POLICY_WRITE && a.decision == POLICY_ALLOW && str_eq(a.rule, "default") && !writes_inside(&pl, path))
        speak(&a, POLICY_ASK, "outside-workspace", "It writes outside the workspace.", NULL);
    buf_fini(&pl.cwd);
    return single(&a, path, ret, e);
}

static int judge_name(const struct policy *p, enum policy_matcher kind, const char *name, struct verdict *ret,
                      struct err *e)
{
    char low[512];
    struct answer a = {0};
    size_t n = strlen(name);

    bool odd = odd_text(name) || n >= sizeof(low) || n == 0;
    for (size_t i = 0; !odd && i <= n; i++) /* host names have no case (RFC 4343) */
        low[i] = kind == POLICY_M_HOST && name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    if (!odd && kind == POLICY_M_HOST && n > 1 && low[n - 1] == '.')
        low[n - 1] = '\0';
    for (size_t i = 0; !odd && i < p->nrules; i++) {
        const struct policy_rule *r = &p->rules[i];
        for (size_t k = 0; r->kind == kind && k < r->names.n; k++) {
            if (glob_match(r->names.v[k], low))
                speak_rule(&a, r, NULL);
        }
    }
    if (odd)
        speak(&a, POLICY_ASK, "opaque", "The name is empty, too long or holds characters that cannot be shown.", NULL);
    if (!a.any)
        speak(&a, p->def, "default", "No rule speaks about it: the policy's default counts.", NULL);
    return single(&a, name, ret, e);
}

int policy_judge_host(const struct policy *p, const char *host, struct verdict *ret, struct err *e)
{
    return judge_name(p, POLICY_M_HOST, host, ret, e);
}

int policy_judge_tool(const struct policy *p, const char *tool, struct verdict *ret, struct err *e)
{
    return judge_name(p, POLICY_M_TOOL, tool, ret, e);
}
