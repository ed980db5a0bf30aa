/* json - reading: jansson behind our own names, with limits it does not have.
 *
 * jansson claims names that are ours (json_type, json_true): they are renamed
 * while its header is read. Ours are hidden symbols, so the library never sees them.
 * May include: base.  Threads: a value has one owner. */
#define json_type jansson_type
#define json_true jansson_true
#include <jansson.h>
#undef json_type
#undef json_true
#include "base/json.h"
#include "base/fault.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 64
#define FIELD_MAX 96

static const json_t *theirs(const struct json *j)
{
    return (const json_t *)j;
}

static const struct json *ours(const json_t *j)
{
    return (const struct json *)j;
}

/* jansson recurses to a depth of 2048 while parsing; brackets are counted before it gets the chance.
 * On text that is not JSON the count may be wrong: then the parser refuses it anyway. */
static bool too_deep(const char *p, size_t n)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted) {
            if (p[i] == '\\')
                i++;
            else if (p[i] == '"')
                quoted = false;
        } else if (p[i] == '"') {
            quoted = true;
        } else if ((p[i] == '[' || p[i] == '{') && ++depth > MAX_DEPTH) {
            return true;
        } else if (p[i] == ']' || p[i] == '}') {
            depth--;
        }
    }
    return false;
}

/* A message is UTF-8, whatever the text it quotes is. */
static void plain(char *s)
{
    if (utf8_valid(s, strlen(s)))
        return;
    for (; *s; s++)
        if (*s & 0x80)
            *s = '?';
}

int json_parse(const char *p, size_t n, struct json **ret, struct err *e)
{
    json_error_t why;
    if (FAULT(alloc))
        return err_oom(e);
    if (too_deep(p, n))
        return err_set(e, ERR_JSON, "the JSON is nested deeper than %d levels", MAX_DEPTH);
    json_t *v = json_loadb(n ? p : "", n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!v && json_error_code(&why) == json_error_out_of_memory)
        return err_oom(e);
    if (!v &&
        (json_error_code(&why) == json_error_null_character || json_error_code(&why) == json_error_null_byte_in_key))
        return err_set(e, ERR_JSON, "not valid JSON at line %d, column %d: a text may not hold the character \\u0000",
                       why.line, why.column);
    if (!v) {
        plain(why.text); /* jansson quotes the text, and may cut a character in two */
        return err_set(e, ERR_JSON, "not valid JSON at line %d, column %d: %s", why.line, why.column, why.text);
    }
    *ret = (struct json *)v;
    return 0;
}

void json_free(struct json *j)
{
    json_decref((json_t *)j);
}

enum json_type json_type(const struct json *j)
{
    if (!j)
        return JT_NULL;
    switch (json_typeof(theirs(j))) {
    case JSON_OBJECT:
        return JT_OBJ;
    case JSON_ARRAY:
        return JT_ARR;
    case JSON_STRING:
        return JT_STR;
    case JSON_INTEGER:
        return JT_INT;
    case JSON_REAL:
        return JT_REAL;
    case JSON_TRUE:
        return JT_TRUE;
    case JSON_FALSE:
        return JT_FALSE;
    case JSON_NULL:
        break;
    }
    return JT_NULL;
}

const char *json_str(const struct json *j)
{
    return json_string_value(theirs(j));
}

size_t json_str_len(const struct json *j)
{
    return json_string_length(theirs(j));
}

int64_t json_int(const struct json *j)
{
    return json_integer_value(theirs(j));
}

bool json_true(const struct json *j)
{
    return json_type(j) == JT_TRUE;
}

size_t json_len(const struct json *j)
{
    return json_type(j) == JT_ARR ? json_array_size(theirs(j)) : json_object_size(theirs(j));
}

const struct json *json_at(const struct json *j, size_t i)
{
    return ours(json_array_get(theirs(j), i));
}

const struct json *json_get(const struct json *j, const char *key)
{
    return ours(json_object_get(theirs(j), key));
}

/* jansson's iterators take a non-const object and change nothing in it. */
const void *json_first(const struct json *o)
{
    return json_type(o) == JT_OBJ ? json_object_iter((json_t *)(uintptr_t)o) : NULL;
}

const void *json_next(const struct json *o, const void *it)
{
    return json_object_iter_next((json_t *)(uintptr_t)o, (void *)(uintptr_t)it);
}

const char *json_key(const void *it)
{
    return json_object_iter_key((void *)(uintptr_t)it);
}

const struct json *json_val(const void *it)
{
    return ours(json_object_iter_value((void *)(uintptr_t)it));
}

/* "limits" + "memory_bytes" -> "limits.memory_bytes" */
static const char *joined(char out[FIELD_MAX], const char *path, const char *key)
{
    bool dot = path && *path && key && *key;
    snprintf(out, FIELD_MAX, "%s%s%s", path ? path : "", dot ? "." : "", key ? key : "");
    return out;
}

static int want_object(const struct json *o, const char *path, struct err *e)
{
    if (json_type(o) == JT_OBJ)
        return 0;
    const char *name = path && *path ? path : "the body";
    return err_field(e, ERR_INVALID, path ? path : "", "%s must be a JSON object", name);
}

/* 1 and *ret when the member is there, 0 when it may be and is absent. */
static int member(const struct json *o, const char *path, const char *key, int req, const struct json **ret,
                  struct err *e)
{
    char name[FIELD_MAX];
    int r = want_object(o, path, e);
    if (r < 0)
        return r;
    *ret = json_get(o, key);
    if (*ret)
        return 1;
    if (!req)
        return 0;
    joined(name, path, key);
    return err_field(e, ERR_INVALID, name, "%s is required", name);
}

static int wrong(const char *path, const char *key, const char *what, struct err *e)
{
    char name[FIELD_MAX];
    joined(name, path, key);
    return err_field(e, ERR_INVALID, name, "%s must be %s", name, what);
}

int json_want_str(const struct json *o, const char *path, const char *key, int req, size_t max, const char **ret,
                  struct err *e)
{
    const struct json *v;
    int r = member(o, path, key, req, &v, e);
    if (r <= 0)
        return r;
    if (json_type(v) != JT_STR)
        return wrong(path, key, "a string", e);
    if (json_str_len(v) > max) {
        char text[64];
        snprintf(text, sizeof text, "at most %zu bytes long", max);
        return wrong(path, key, text, e);
    }
    *ret = json_str(v);
    return 0;
}

int json_want_int(const struct json *o, const char *path, const char *key, int req, int64_t min, int64_t max,
                  int64_t *ret, struct err *e)
{
    const struct json *v;
    int r = member(o, path, key, req, &v, e);
    if (r <= 0)
        return r;
    int64_t n = json_int(v);
    if (json_type(v) != JT_INT || n < min || n > max) {
        char text[96];
        snprintf(text, sizeof text, "an integer from %lld to %lld", (long long)min, (long long)max);
        return wrong(path, key, text, e);
    }
    *ret = n;
    return 0;
}

int json_want_bool(const struct json *o, const char *path, const char *key, int req, bool *ret, struct err *e)
{
    const struct json *v;
    int r = member(o, path, key, req, &v, e);
    if (r <= 0)
        return r;
    if (json_type(v) != JT_TRUE && json_type(v) != JT_FALSE)
        return wrong(path, key, "true or false", e);
    *ret = json_true(v);
    return 0;
}

int json_want_obj(const struct json *o, const char *path, const char *key, int req, const struct json **ret,
                  struct err *e)
{
    const struct json *v;
    int r = member(o, path, key, req, &v, e);
    if (r <= 0)
        return r;
    if (json_type(v) != JT_OBJ)
        return wrong(path, key, "a JSON object", e);
    *ret = v;
    return 0;
}

int json_want_arr(const struct json *o, const char *path, const char *key, int req, size_t max, const struct json **ret,
                  struct err *e)
{
    const struct json *v;
    int r = member(o, path, key, req, &v, e);
    if (r <= 0)
        return r;
    if (json_type(v) != JT_ARR)
        return wrong(path, key, "an array", e);
    if (json_len(v) > max) {
        char text[64];
        snprintf(text, sizeof text, "an array of at most %zu elements", max);
        return wrong(path, key, text, e);
    }
    *ret = v;
    return 0;
}

static bool listed(const char *key, const char *const keys[])
{
    for (size_t i = 0; keys[i]; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

int json_known(const struct json *o, const char *path, const char *const keys[], struct err *e)
{
    int r = want_object(o, path, e);
    if (r < 0)
        return r;
    for (const void *it = json_first(o); it; it = json_next(o, it)) {
        if (listed(json_key(it), keys))
            continue;
        char name[FIELD_MAX], known[384] = "";
        for (size_t i = 0, at = 0; keys[i] && at < sizeof known; i++)
            at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", keys[i]);
        joined(name, path, json_key(it));
        return err_field(e, ERR_UNKNOWN_FIELD, name, "%s is not a known field; known are: %s", name, known);
    }
    return 0;
}
