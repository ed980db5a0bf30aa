/* glob - matching a pattern against a whole string or path, iteratively.
 *
 * A star that fails is only ever stretched, and only the latest one: whatever an
 * earlier star could take, the latest could take as well. So there is no
 * recursion; the cost is O(pattern * text) for glob_match, and one more factor
 * of the text's length at worst for a '**' in glob_path.
 * May include: base.  Pure.  Threads: any.  Declared in str.h. */
#include "base/str.h"
#include <string.h>

/* The next character; a byte that is no UTF-8 stands for itself, above all code points. */
static int32_t next(const char **s)
{
    const char *at = *s;
    int32_t cp = utf8_next(s, at + strnlen(at, 4));
    return cp >= 0 ? cp : 0x110000 + (unsigned char)*at;
}

static int32_t next_escaped(const char **s)
{
    if (**s == '\\' && (*s)[1])
        (*s)++;
    return next(s);
}

/* "[a-z]" at p: behind the bracket in *end, whether c is in it in *hit. False when it is not a class: a plain '['. */
static bool class_match(const char *p, int32_t c, const char **end, bool *hit)
{
    const char *q = p + 1;
    bool not = *q == '!' || *q == '^', in = false;
    q += not ;
    for (bool first = true; *q && (first || *q != ']'); first = false) {
        int32_t lo = next_escaped(&q), hi = lo;
        if (q[0] == '-' && q[1] && q[1] != ']') {
            q++;
            hi = next_escaped(&q);
        }
        in |= c >= lo && c <= hi;
    }
    if (*q != ']')
        return false;
    *end = q + 1;
    *hit = in != not ;
    return true;
}

/* One pattern element that is not a star against one character; moves both on when it fits. */
static bool one(const char **pat, const char **s, bool path)
{
    const char *p = *pat, *t = *s;
    bool hit;
    if (!*p || !*t)
        return false;
    int32_t c = next(&t);
    if (*p == '?') {
        p++;
        hit = !(path && c == '/');
    } else if (*p == '[' && class_match(p, c, &p, &hit)) {
        hit = hit && !(path && c == '/');
    } else {
        hit = next_escaped(&p) == c;
    }
    if (hit) {
        *pat = p;
        *s = t;
    }
    return hit;
}

bool glob_match(const char *pat, const char *s)
{
    const char *star = NULL, *from = NULL;
    for (;;) {
        if (*pat == '*') {
            star = ++pat;
            from = s;
        } else if (!*pat && !*s) {
            return true;
        } else if (one(&pat, &s, false)) {
            continue;
        } else if (star && *from) {
            next(&from);
            pat = star;
            s = from;
        } else {
            return false;
        }
    }
}

/* Where a star may be resumed: the pattern behind it and the text it has not eaten yet. */
struct resume {
    const char *pat, *s;
    bool whole; /* of a "**" that stands for whole directories: moves on from '/' to '/' */
};

/* The latest star eats a little more. False when it cannot. */
static bool stretch(struct resume *star, bool deep)
{
    if (!star->pat || !*star->s || (!deep && *star->s == '/'))
        return false;
    if (star->whole) {
        const char *slash = strchr(star->s, '/');
        if (!slash)
            return false;
        star->s = slash + 1;
        return true;
    }
    next(&star->s);
    return true;
}

bool glob_path(const char *pat, const char *path)
{
    const char *begin = pat, *s = path;
    struct resume star = {NULL, NULL, false}, deep = {NULL, NULL, false};
    for (;;) {
        if (pat[0] == '*' && pat[1] == '*') {
            bool at_start = pat == begin || pat[-1] == '/';
            while (*pat == '*')
                pat++;
            bool whole = at_start && *pat == '/';
            pat += whole;
            deep = (struct resume){pat, s, whole};
            star.pat = NULL;
        } else if (*pat == '*') {
            star = (struct resume){++pat, s, false};
        } else if (!*pat && !*s) {
            return true;
        } else if (one(&pat, &s, true)) {
            continue;
        } else if (stretch(&star, false)) {
            pat = star.pat;
            s = star.s;
        } else if (stretch(&deep, true)) {
            star.pat = NULL;
            pat = deep.pat;
            s = deep.s;
        } else {
            return false;
        }
    }
}

bool glob_listed(const char *globs, const char *s)
{
    char g[64];

    for (const char *p = globs + strspn(globs, " "); *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        bool may = strchr("*?[\\", *p) || *p == *s; /* most differ in the first letter */
        if (may && n < sizeof(g)) {
            memcpy(g, p, n);
            g[n] = '\0';
            if (glob_match(g, s))
                return true;
        }
        p += n;
    }
    return false;
}
