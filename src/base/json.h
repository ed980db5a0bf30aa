/* json - reading JSON (strict) and writing JSON (append-only).
 *
 * Why it exists: the one place that knows the JSON library (jansson today),
 * so it can be exchanged; and one writer, so every surface spells things alike.
 * May include: base.  Threads: a value or writer has one owner.
 *
 * Reading: strict UTF-8, duplicate keys refused, depth at most 64, integers
 * only where an integer is asked for. Writing: compact, keys in call order. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct json; /* a value; children are borrowed from the root */
enum json_type { JT_NULL, JT_FALSE, JT_TRUE, JT_INT, JT_REAL, JT_STR, JT_ARR, JT_OBJ };

/* A complete document. *ret is owned: json_free. */
CHECKED int json_parse(const char *p, size_t n, struct json **ret, struct err *);
void json_free(struct json *);
DEFINE_AUTO_PTR(struct json, json_free);

enum json_type json_type(const struct json *); /* NULL -> JT_NULL */
/* NULL unless a string; NUL-terminated, may not hold NUL (refused when parsed) */
const char *json_str(const struct json *);
size_t json_str_len(const struct json *);
int64_t json_int(const struct json *); /* 0 unless an integer */
bool json_true(const struct json *);
size_t json_len(const struct json *); /* array or object; else 0 */
const struct json *json_at(const struct json *, size_t i);
/* NULL when absent; an explicit null is a value of JT_NULL */
const struct json *json_get(const struct json *, const char *key);
/* Object members in document order: for (it = json_first(o); it; it = json_next(o, it)) */
const void *json_first(const struct json *);
const void *json_next(const struct json *, const void *it);
const char *json_key(const void *it);
const struct json *json_val(const void *it);

/* Checked access for request bodies. `path` is the name used in the error's field:
 * "" or "limits" -> "limits.memory_bytes". Absent and not required: *ret untouched, 0.
 * An explicit null is a value of the wrong type. `max` of a string is in bytes. */
enum { J_OPT = 0, J_REQ = 1 };
CHECKED int json_want_str(const struct json *o, const char *path, const char *key, int req, size_t max,
                          const char **ret, struct err *);
CHECKED int json_want_int(const struct json *o, const char *path, const char *key, int req, int64_t min, int64_t max,
                          int64_t *ret, struct err *);
CHECKED int json_want_bool(const struct json *o, const char *path, const char *key, int req, bool *ret, struct err *);
CHECKED int json_want_obj(const struct json *o, const char *path, const char *key, int req, const struct json **ret,
                          struct err *);
CHECKED int json_want_arr(const struct json *o, const char *path, const char *key, int req, size_t max,
                          const struct json **ret, struct err *);
/* Every member of o is one of `keys` (NULL-terminated); else ERR_UNKNOWN_FIELD naming it and the known ones. */
CHECKED int json_known(const struct json *o, const char *path, const char *const keys[], struct err *);

/* Canonical form of RFC 8785 for values without floats (a float, or an integer beyond +-(2^53 - 1), is ERR_INVALID):
 * members sorted by UTF-16 code units, minimal escapes. Appends to out. */
CHECKED int json_canonical(const struct json *, struct buf *out, struct err *);
CHECKED int json_canonical_text(const char *p, size_t n, struct buf *out, struct err *);

/* The writer. Commas and colons are its business. Errors are the buffer's (`out->bad`). */
struct jw {
    struct buf *out;
    int depth; /* at most 64 */
    uint64_t comma;
};
#define JW_INIT(b) ((struct jw){.out = (b)})
void jw_obj(struct jw *);
void jw_end_obj(struct jw *);
void jw_arr(struct jw *);
void jw_end_arr(struct jw *);
void jw_key(struct jw *, const char *key);
void jw_str(struct jw *, const char *s); /* NULL -> null; NUL and bytes that are not UTF-8 become U+FFFD */
void jw_strn(struct jw *, const char *s, size_t n);
void jw_int(struct jw *, int64_t v);
void jw_uint(struct jw *, uint64_t v);
void jw_bool(struct jw *, bool v);
void jw_null(struct jw *);
void jw_raw(struct jw *, const char *json, size_t n); /* n bytes of finished JSON */
/* key + value in one call */
void jw_kstr(struct jw *, const char *k, const char *s);
void jw_kstr_opt(struct jw *, const char *k, const char *s); /* nothing when s is NULL or "" */
void jw_kint(struct jw *, const char *k, int64_t v);
void jw_kbool(struct jw *, const char *k, bool v);
void jw_kraw(struct jw *, const char *k, const char *json); /* NULL -> null */
void jw_ktime(struct jw *, const char *k, int64_t us);      /* RFC 3339; 0 -> null */
/* Bytes: "k" (readable form) and, when that lost something (not UTF-8, or a NUL), "k_b64" beside it. */
void jw_kbytes(struct jw *, const char *k, const void *p, size_t n);
