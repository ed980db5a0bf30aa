/* policy_yaml - see policy_yaml.h. */
#include "core/policy_yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct state {
    struct fy_parser *fyp;
    struct yaml *root;
    struct yaml *stack[YAML_DEPTH_MAX];
    struct yaml *last[YAML_DEPTH_MAX]; /* last member of each */
    int depth;
    size_t nodes;
    char *key; /* waiting for its value */
    int key_line;
    int line;
    struct err *e;
};

void yaml_free(struct yaml *y)
{
    while (y) {
        struct yaml *next = y->all;
        free(y->key);
        free(y->text);
        free(y);
        y = next;
    }
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    for (const struct yaml *y = map && map->kind == YAML_MAP ? map->child : NULL; y; y = y->next) {
        if (str_eq(y->key, key))
            return y;
    }
    return NULL;
}

bool yaml_int(const struct yaml *y, int64_t *ret)
{
    return y && y->kind == YAML_STR && y->plain && str_i64(y->text, ret);
}

static int token_line(struct fy_token *t)
{
    const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;

    return m ? m->line + 1 : 0;
}

static int refuse(struct state *s, int line, const char *what)
{
    s->line = line;
    return err_set(s->e, ERR_INVALID, "%s", what);
}

/* Hooks a node into the tree. */
static int attach(struct state *s, struct yaml *y)
{
    if (s->depth == 0)
        return s->root == y ? 0 : refuse(s, y->line, "there is more than one value in the document");
    struct yaml *up = s->stack[s->depth - 1], *last = s->last[s->depth - 1];
    if (up->kind == YAML_MAP) {
        y->key = TAKE(s->key);
        y->key_line = s->key_line;
    }
    if (last)
        last->next = y;
    else
        up->child = y;
    s->last[s->depth - 1] = y;
    up->n++;
    return 0;
}

static struct yaml *node(struct state *s, enum yaml_kind kind, int line)
{
    struct yaml *y = s->nodes < YAML_NODES_MAX ? calloc(1, sizeof(*y)) : NULL;

    if (!y)
        return NULL;
    s->nodes++;
    y->kind = kind;
    y->line = line;
    if (s->root) {
        y->all = s->root->all;
        s->root->all = y;
    } else {
        s->root = y;
    }
    return y;
}

static bool wants_key(const struct state *s)
{
    return s->depth > 0 && s->stack[s->depth - 1]->kind == YAML_MAP && !s->key;
}

static int scalar(struct state *s, struct fy_event *ev)
{
    size_t n = 0;
    int line = token_line(ev->scalar.value);
    const char *p = ev->scalar.value ? fy_token_get_text(ev->scalar.value, &n) : "";

    if (!p || memchr(p, '\0', n))
        return refuse(s, line, "a text holds a NUL character");
    char *copy = str_ndup(p, n);
    if (!copy)
        return err_oom(s->e);
    if (wants_key(s)) {
        s->key = copy;
        s->key_line = line;
        return 0;
    }
    struct yaml *y = node(s, YAML_STR, line ? line : s->key_line);
    if (!y) {
        free(copy);
        return refuse(s, line, "the document has too many values");
    }
    y->text = copy;
    y->plain = !ev->scalar.value || fy_token_scalar_style(ev->scalar.value) == FYSS_PLAIN;
    return attach(s, y);
}

static int open_node(struct state *s, enum yaml_kind kind, struct fy_token *t)
{
    int line = token_line(t);

    if (wants_key(s))
        return refuse(s, line, "a key must be a text");
    if (s->depth >= YAML_DEPTH_MAX)
        return refuse(s, line, "the document is nested too deeply");
    struct yaml *y = node(s, kind, line);
    if (!y)
        return refuse(s, line, "the document has too many values");
    int r = attach(s, y);
    if (r < 0)
        return r;
    s->stack[s->depth] = y;
    s->last[s->depth] = NULL;
    s->depth++;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct yaml *const *)a)->key, (*(const struct yaml *const *)b)->key);
}

/* Sorted, so that a map of many keys costs no more than its text. */
static int check_keys(struct state *s, struct yaml *map)
{
    struct yaml **v = map->n > 1 ? malloc(map->n * sizeof(struct yaml *)) : NULL;
    size_t k = 0;
    int r = 0;

    if (map->n < 2)
        return 0;
    if (!v)
        return err_oom(s->e);
    for (struct yaml *y = map->child; y; y = y->next)
        v[k++] = y;
    qsort(v, k, sizeof(struct yaml *), by_key);
    for (size_t i = 1; i < k && r == 0; i++) {
        if (strcmp(v[i]->key, v[i - 1]->key) == 0) {
            s->line = v[i]->key_line > v[i - 1]->key_line ? v[i]->key_line : v[i - 1]->key_line;
            r = err_set(s->e, ERR_INVALID, "the key \"%.64s\" stands twice: keep one", v[i]->key);
        }
    }
    free(v);
    return r;
}

static int close_node(struct state *s)
{
    struct yaml *y = s->stack[--s->depth];

    return y->kind == YAML_MAP ? check_keys(s, y) : 0;
}

static int event(struct state *s, struct fy_event *ev)
{
    switch (ev->type) {
    case FYET_ALIAS:
        return refuse(s, token_line(ev->alias.anchor), "aliases (*name) are not accepted: write the value out");
    case FYET_SCALAR:
        if (ev->scalar.anchor || ev->scalar.tag)
            return refuse(s, token_line(ev->scalar.anchor ? ev->scalar.anchor : ev->scalar.tag),
                          "anchors (&name) and tags (!name) are not accepted: write the plain value");
        return scalar(s, ev);
    case FYET_SEQUENCE_START:
    case FYET_MAPPING_START: {
        bool map = ev->type == FYET_MAPPING_START;
        struct fy_token *anchor = map ? ev->mapping_start.anchor : ev->sequence_start.anchor;
        struct fy_token *tag = map ? ev->mapping_start.tag : ev->sequence_start.tag;
        if (anchor || tag)
            return refuse(s, token_line(anchor ? anchor : tag),
                          "anchors (&name) and tags (!name) are not accepted: write the plain value");
        return open_node(s, map ? YAML_MAP : YAML_SEQ,
                         map ? ev->mapping_start.mapping_start : ev->sequence_start.sequence_start);
    }
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return close_node(s);
    case FYET_DOCUMENT_START:
        return s->root ? refuse(s, 0, "there is more than one document: keep one") : 0;
    default:
        return 0;
    }
}

/* The parser's own complaint. */
static int syntax(struct state *s, struct fy_diag *diag)
{
    void *it = NULL;
    const struct fy_diag_error *d = fy_diag_errors_iterate(diag, &it);

    s->line = d && d->line > 0 ? d->line : 0;
    return err_set(s->e, ERR_INVALID, "this is not YAML: %s", d && d->msg ? d->msg : "it cannot be read");
}

static int run(struct state *s, struct fy_diag *diag)
{
    struct fy_event *ev;
    bool ended = false;
    int r = 0;

    while (r == 0 && (ev = fy_parser_parse(s->fyp)) != NULL) {
        ended = ended || ev->type == FYET_STREAM_END;
        r = event(s, ev);
        fy_parser_event_free(s->fyp, ev);
    }
    if (r == 0 && (!ended || fy_parser_get_stream_error(s->fyp)))
        r = syntax(s, diag);
    if (r == 0 && !s->root)
        r = refuse(s, 0, "the document is empty");
    return r;
}

int yaml_parse(const char *p, size_t n, size_t max, struct yaml **ret, int *ret_line, struct err *e)
{
    struct fy_diag_cfg dcfg;
    struct state s = {.e = e};

    if (ret_line)
        *ret_line = 0;
    if (n > max)
        return err_set(e, ERR_INVALID, "the document is larger than %zu bytes", max);
    if (!utf8_valid(p, n) || memchr(p, '\0', n))
        return err_set(e, ERR_INVALID, "the document is not UTF-8 text");
    fy_diag_cfg_default(&dcfg);
    dcfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&dcfg);
    if (!diag)
        return err_oom(e);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = diag};
    s.fyp = fy_parser_create(&cfg);
    int r = s.fyp && fy_parser_set_string(s.fyp, p, n) == 0 ? run(&s, diag) : err_oom(e);
    if (s.fyp)
        fy_parser_destroy(s.fyp);
    fy_diag_destroy(diag);
    free(s.key);
    if (r < 0) {
        yaml_free(s.root);
        if (ret_line)
            *ret_line = s.line;
        return r;
    }
    *ret = s.root;
    return 0;
}
