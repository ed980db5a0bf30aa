/* recipe_read - see recipe_read.h.
 *
 * May include: base.  Pure.  Threads: any. */
#include "core/recipe_read.h"
#include "base/json.h"
#include "base/str.h"
#include <string.h>

struct lines {
    const char *p, *end;
    char *buf; /* one logical line, NUL-terminated */
    size_t cap;
};

/* The next logical line: "\" at the end of a line continues it. What is longer than the buffer is cut. */
static bool next_line(struct lines *l)
{
    size_t n = 0;

    if (l->p == l->end)
        return false;
    for (bool more = true; more && l->p < l->end;) {
        const char *nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
        const char *stop = nl ? nl : l->end;
        const char *text_end = stop > l->p && stop[-1] == '\r' ? stop - 1 : stop;
        more = text_end > l->p && text_end[-1] == '\\';
        size_t len = (size_t)(text_end - l->p) - more;
        if (len > l->cap - 2 - n)
            len = l->cap - 2 - n;
        memcpy(l->buf + n, l->p, len);
        n += len;
        if (more && n < l->cap - 2)
            l->buf[n++] = ' ';
        l->p = nl ? nl + 1 : l->end;
    }
    l->buf[n] = '\0';
    return true;
}

static bool starts_word(const char *s, const char *word)
{
    size_t n = strlen(word);

    return strncmp(s, word, n) == 0 && (s[n] == '\0' || s[n] == ' ' || s[n] == '\t');
}

/* The colon of a rule, or NULL: "a b: c" is one; "V := x", "V = a:b", "a: V = x" (a variable of one target) are not. */
static const char *rule_colon(const char *line)
{
    const char *colon = strchr(line, ':'), *eq = strchr(line, '=');

    if (!colon || (eq && eq < colon))
        return NULL;
    const char *rest = colon + strspn(colon, ":");
    if (*rest == '=')
        return NULL;
    size_t head = strcspn(rest, ";#");
    return memchr(rest, '=', head) && !memchr(rest, '$', head) ? NULL : colon;
}

/* Make never takes a name with a leading dot or a pattern as its default goal; and we name only what reads plainly. */
static bool plain_target(const char *s, size_t n)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-";

    return n > 0 && *s != '.' && strspn(s, plain) >= n;
}

static bool names_target(const char *line, const char *colon, const char *name, char *ret, size_t cap)
{
    for (const char *s = line; s < colon;) {
        size_t n = strcspn(s, " \t:");
        bool hit = name ? n == strlen(name) && memcmp(s, name, n) == 0 : plain_target(s, n);
        if (hit && ret && n < cap) {
            memcpy(ret, s, n);
            ret[n] = '\0';
        }
        if (hit)
            return true;
        s += n + (n == 0);
    }
    return false;
}

bool recipe_make_target(const char *text, size_t n, const char *name, char *ret, size_t cap)
{
    char line[4096];
    struct lines l = {text, text + n, line, sizeof line};
    bool define = false;

    if (!text)
        return false;
    while (next_line(&l)) {
        const char *s = line + strspn(line, " ");
        if (starts_word(s, "define"))
            define = true;
        else if (starts_word(s, "endef"))
            define = false;
        if (define || line[0] == '\t' || line[0] == '#')
            continue;
        const char *colon = rule_colon(s);
        if (colon && names_target(s, colon, name, ret, cap))
            return true;
    }
    return false;
}

bool recipe_npm_script(const char *text, size_t n, const char *name)
{
    AUTO_PTR(json_free) struct json *j = NULL;

    if (!text || json_parse(text, n, &j, NULL) < 0)
        return false;
    const char *s = json_str(json_get(json_get(j, "scripts"), name));
    return s && *s && !strstr(s, "Error: no test specified");
}

bool recipe_npm_needs(const char *text, size_t n)
{
    AUTO_PTR(json_free) struct json *j = NULL;

    if (!text || json_parse(text, n, &j, NULL) < 0)
        return false;
    return json_len(json_get(j, "dependencies")) > 0 || json_len(json_get(j, "devDependencies")) > 0;
}
