/* policy_yaml - YAML 1.2 text (JSON too) to a small tree of values with line numbers.
 *
 * Why it exists: a document from outside is bounded before anything looks at
 * it. Built from libfyaml's events, so no alias is ever expanded: anchors,
 * aliases, tags and second documents are refused. Duplicate keys too.
 * May include: base/, libfyaml.  Pure.  Threads: any. */
#pragma once
#include "base/err.h"

#define YAML_NODES_MAX 60000
#define YAML_DEPTH_MAX 16

enum yaml_kind { YAML_STR, YAML_SEQ, YAML_MAP };
struct yaml {
    enum yaml_kind kind;
    int line;  /* from 1 */
    char *key; /* of a member of a map; else NULL */
    int key_line;
    char *text;         /* YAML_STR: without NUL inside */
    bool plain;         /* not quoted: a number, true, null … may be meant */
    struct yaml *child; /* the first member */
    struct yaml *next;
    size_t n;         /* members */
    struct yaml *all; /* every node of the document, for freeing */
};

/* *ret_line (may be NULL): the line at fault. */
CHECKED int yaml_parse(const char *p, size_t n, size_t max, struct yaml **ret, int *ret_line, struct err *);
void yaml_free(struct yaml *);
DEFINE_AUTO_PTR(struct yaml, yaml_free);
const struct yaml *yaml_get(const struct yaml *map, const char *key);
bool yaml_int(const struct yaml *, int64_t *ret);
