/* args - see args.h.
 *
 * May include: base/.   Threads: any. */
#include "cli/args.h"
#include "base/str.h"
#include <string.h>

struct parser {
    struct args *a;
    const struct opt *tables[2];
    int argc, at;
    char *const *argv;
};

static int store(struct parser *p, const struct opt *o, const char *val, struct err *e)
{
    struct args *a = p->a;
    for (size_t i = 0; i < a->nset && !o->many; i++) {
        if (str_eq(a->set[i].opt->name, o->name)) {
            a->set[i].val = val;
            return 0;
        }
    }
    if (a->nset == ARGS_SET_MAX)
        return err_set(e, ERR_USAGE, "too many options: at most %d", ARGS_SET_MAX);
    a->set[a->nset].opt = o;
    a->set[a->nset++].val = val;
    return 0;
}

/* The row of that long name: exact, or the only one that begins so. */
static const struct opt *find_long(const struct parser *p, const char *name, size_t n, bool *ambiguous)
{
    const struct opt *hit = NULL;
    *ambiguous = false;
    for (size_t t = 0; t < ARRAY_LEN(p->tables); t++) {
        for (const struct opt *o = p->tables[t]; o && o->name; o++) {
            if (strncmp(o->name, name, n) != 0)
                continue;
            if (strlen(o->name) == n) {
                *ambiguous = false;
                return o;
            }
            *ambiguous = *ambiguous || hit;
            hit = o;
        }
    }
    return hit;
}

static const struct opt *find_short(const struct parser *p, char c)
{
    for (size_t t = 0; t < ARRAY_LEN(p->tables); t++)
        for (const struct opt *o = p->tables[t]; o && o->name; o++)
            if (o->c && o->c == c)
                return o;
    return NULL;
}

static int take_value(struct parser *p, const struct opt *o, const char **ret, struct err *e)
{
    if (p->at >= p->argc)
        return err_set(e, ERR_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
    *ret = p->argv[p->at++];
    return 0;
}

static int parse_long(struct parser *p, const char *s, struct err *e)
{
    const char *eq = strchr(s, '='), *val = "";
    size_t n = eq ? (size_t)(eq - s) : strlen(s);
    bool ambiguous;
    const struct opt *o = n ? find_long(p, s, n, &ambiguous) : NULL;
    if (!o)
        return err_set(e, ERR_USAGE, "there is no option --%.*s here", (int)(n < 64 ? n : 64), s);
    if (ambiguous)
        return err_set(e, ERR_USAGE, "--%.*s may be more than one option: write it out", (int)n, s);
    if (!o->arg && eq)
        return err_set(e, ERR_USAGE, "--%s takes no value", o->name);
    if (eq)
        val = eq + 1;
    else if (o->arg && take_value(p, o, &val, e) < 0)
        return -ERR_USAGE;
    return store(p, o, val, e);
}

static int parse_short(struct parser *p, const char *s, struct err *e)
{
    while (*s) {
        const struct opt *o = find_short(p, *s);
        const char *val = "";
        if (!o)
            return err_set(e, ERR_USAGE, "there is no option -%c here", *s > ' ' && *s < 127 ? *s : '?');
        s++;
        if (o->arg && *s) {
            val = s;
            s = "";
        } else if (o->arg && take_value(p, o, &val, e) < 0) {
            return -ERR_USAGE;
        }
        int r = store(p, o, val, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_pos(struct args *a, const char *s, struct err *e)
{
    if (a->npos == ARGS_POS_MAX)
        return err_set(e, ERR_USAGE, "too many arguments: at most %d", ARGS_POS_MAX);
    a->pos[a->npos++] = s;
    return 0;
}

int args_parse(struct args *a, int argc, char *const *argv, const struct opt *own, const struct opt *global,
               bool stop_at_pos, int *ret_used, struct err *e)
{
    struct parser p = {.a = a, .tables = {own, global}, .argc = argc, .argv = argv};
    bool options = true;
    while (p.at < argc) {
        const char *s = argv[p.at];
        bool is_opt = options && s[0] == '-' && s[1];
        int r;
        if (!is_opt && stop_at_pos)
            break;
        p.at++;
        if (options && strcmp(s, "--") == 0) {
            options = false;
            continue;
        }
        if (!is_opt)
            r = add_pos(a, s, e);
        else
            r = s[1] == '-' ? parse_long(&p, s + 2, e) : parse_short(&p, s + 1, e);
        if (r < 0)
            return r;
    }
    *ret_used = p.at;
    return 0;
}

bool args_has(const struct args *a, const char *name)
{
    return args_get(a, name) != NULL;
}

const char *args_get(const struct args *a, const char *name)
{
    for (size_t i = a->nset; i > 0; i--)
        if (str_eq(a->set[i - 1].opt->name, name))
            return a->set[i - 1].val;
    return NULL;
}

const char *args_nth(const struct args *a, const char *name, size_t i)
{
    for (size_t k = 0; k < a->nset; k++)
        if (str_eq(a->set[k].opt->name, name) && i-- == 0)
            return a->set[k].val;
    return NULL;
}
