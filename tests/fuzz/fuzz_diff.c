/* The input is a file before and after: "MODES" byte, then the two contents, divided by the first 0xff. The patch of a
 * text, taken line by line as diff(1) describes it, gives the file after; and it has the lines that were counted. */
#include "fuzz.h"
#include <sys/stat.h>
#include "sandbox/diff.h"

struct cursor {
    const char *p, *end;
};

static size_t line_at(const struct cursor *c)
{
    const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));
    return (size_t)((nl ? nl + 1 : c->end) - c->p);
}

static bool starts(const struct cursor *c, const char *with)
{
    size_t n = strlen(with);
    return (size_t)(c->end - c->p) >= n && memcmp(c->p, with, n) == 0;
}

/* Lines `from` of the old file up to (not with) line `to`, 1-based, go over as they are. */
static void copy_to(struct cursor *old, long *from, long to, struct buf *out)
{
    for (; *from < to; ++*from) {
        size_t n = line_at(old);
        MUST(n > 0);
        buf_add(out, old->p, n);
        old->p += n;
    }
}

/* One line of a hunk without its sign; the newline is not there when the next line says so. */
static size_t body_of(struct cursor *patch, size_t n)
{
    struct cursor next = {patch->p + n, patch->end};
    if (!starts(&next, "\\ No newline"))
        return n - 1;
    patch->p += line_at(&next); /* passed over together with this line */
    return n - 2;
}

static void hunk_line(struct cursor *patch, struct cursor *old, long *at, struct buf *out, int64_t *add, int64_t *del)
{
    size_t n = line_at(patch);
    const char *text = patch->p + 1;
    char sign = *patch->p;
    size_t len = body_of(patch, n);
    patch->p += n;
    if (sign == '+') {
        buf_add(out, text, len);
        ++*add;
        return;
    }
    MUST(sign == ' ' || sign == '-');
    MUST(line_at(old) == len && memcmp(old->p, text, len) == 0);
    if (sign == ' ')
        buf_add(out, text, len);
    else
        ++*del;
    old->p += len;
    ++*at;
}

static void apply(struct cursor patch, struct diff_side a, struct diff_side b, int64_t want_add, int64_t want_del)
{
    struct cursor old = {a.p, a.p + a.len};
    struct buf out = BUF_INIT(1 << 20);
    int64_t add = 0, del = 0;
    long at = 1;
    while (patch.p < patch.end && !starts(&patch, "@@ "))
        patch.p += line_at(&patch);
    while (patch.p < patch.end) {
        long start = 0, lines = 1;
        MUST(starts(&patch, "@@ -"));
        MUST(sscanf(patch.p, "@@ -%ld,%ld", &start, &lines) >= 1);
        patch.p += line_at(&patch);
        copy_to(&old, &at, lines == 0 ? start + 1 : start, &out);
        while (patch.p < patch.end && !starts(&patch, "@@ "))
            hunk_line(&patch, &old, &at, &out, &add, &del);
    }
    buf_add(&out, old.p, (size_t)(old.end - old.p));
    MUST(!out.bad && out.len == b.len && (b.len == 0 || memcmp(out.p, b.p, b.len) == 0));
    MUST(add == want_add && del == want_del);
    buf_fini(&out);
}

static void compare(const char *path, struct diff_side a, struct diff_side b)
{
    struct buf out = BUF_INIT(1 << 24);
    int64_t add = 0, del = 0;
    MUST(diff_init(NULL) == 0);
    MUST(diff_file(path, a, b, &out, NULL) == 0);
    bool same = a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
    bool text = !diff_binary(a.p, a.len) && !diff_binary(b.p, b.len);
    if (text && S_ISREG(a.mode) && S_ISREG(b.mode)) {
        MUST(diff_count(a, b, &add, &del, NULL) == 0);
        MUST(!same || (add == 0 && del == 0));
        /* out may be empty, and then has no buffer */
        apply((struct cursor){out.p ? out.p : "", out.p ? out.p + out.len : ""}, a, b, add, del);
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const uint32_t modes[] = {0100644, 0100755, 0120777, 0};
    if (n < 2)
        return 0;
    unsigned how = *p;
    char *s = fuzz_string(p + 1, n - 1);
    n--;
    char *cut = memchr(s, 0xff, n);
    size_t na = cut ? (size_t)(cut - s) : n;
    char *b = fuzz_string((uint8_t *)s + na + (cut ? 1 : 0), cut ? n - na - 1 : 0);
    char *a = fuzz_string((uint8_t *)s, na);
    struct diff_side x = {modes[how & 3], a, na}, y = {modes[how >> 2 & 3], b, cut ? n - na - 1 : 0};
    if (!x.mode)
        x.len = 0;
    if (!y.mode)
        y.len = 0;
    compare(how & 16 ? "odd \"name\"\n" : "plain/name.c", x, y);
    free(a);
    free(b);
    free(s);
    return 0;
}
