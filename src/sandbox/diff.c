/* diff - see diff.h. Headers are written here; hunks and binary bodies come from libgit2, which knows no modes when it
 * compares buffers.
 *
 * May include: base, libgit2.   Threads: any (libgit2 keeps its state per thread). */
#include "sandbox/diff.h"
#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#define OID_HEX (GIT_OID_HEXSZ + 1)

static int git_failed(struct err *e, const char *what)
{
    const git_error *ge = git_error_last();
    if (ge && ge->klass == GIT_ERROR_NOMEMORY)
        return err_oom(e);
    return err_set(e, ERR_INTERNAL, "%s: %s", what, ge && ge->message ? ge->message : "libgit2 failed");
}

int diff_init(struct err *e)
{
    /* Counted inside libgit2, cheap after the first; never shut down: starting again would cost the 4 ms again. */
    return git_libgit2_init() < 0 ? git_failed(e, "start libgit2") : 0;
}

bool diff_binary(const char *p, size_t len)
{
    return (int64_t)len > DIFF_MAX_TEXT || (len > 0 && memchr(p, '\0', len) != NULL);
}

int64_t diff_lines(const char *p, size_t len)
{
    int64_t n = 0;
    if (len == 0) /* p may be NULL */
        return 0;
    for (const char *end = p + len, *nl; p < end; p = nl + 1, n++) {
        nl = memchr(p, '\n', (size_t)(end - p));
        if (!nl)
            return n + 1;
    }
    return n;
}

static int make_patch(struct diff_side a, struct diff_side b, uint32_t flags, git_patch **ret, struct err *e)
{
    git_diff_options o = GIT_DIFF_OPTIONS_INIT;
    o.flags = flags;
    /* "" and not NULL: an absent side would make libgit2 think of additions and deletions, which is our business */
    if (git_patch_from_buffers(ret, a.p ? a.p : "", a.len, "x", b.p ? b.p : "", b.len, "x", &o) < 0)
        return git_failed(e, "compare two files");
    return 0;
}

int diff_count(struct diff_side a, struct diff_side b, int64_t *ret_add, int64_t *ret_del, struct err *e)
{
    if (a.len == 0 || b.len == 0) {
        *ret_add = diff_lines(b.p, b.len);
        *ret_del = diff_lines(a.p, a.len);
        return 0;
    }
    git_patch *p = NULL;
    int r = make_patch(a, b, GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC, &p, e);
    if (r < 0)
        return r;
    size_t add = 0, del = 0;
    if (git_patch_line_stats(NULL, &add, &del, p) < 0) {
        r = git_failed(e, "count lines");
    } else {
        *ret_add = (int64_t)add;
        *ret_del = (int64_t)del;
    }
    git_patch_free(p);
    return r;
}

/* quote.c of git: what needs a backslash, and bytes from 0x80 on in octal. */
static char escape_of(unsigned char c)
{
    static const char letters[] = "abtnvfr"; /* 7 … 13 */
    if (c >= 7 && c <= 13)
        return letters[c - 7];
    return c == '"' || c == '\\' ? (char)c : '\0';
}

/* A blank before a slash too: git's own parser of the "diff --git" line (git_header_name in apply.c) gives up there. */
static bool needs_quotes(const char *s)
{
    if (strstr(s, " /"))
        return true;
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f || *s == '"' || *s == '\\')
            return true;
    return false;
}

void diff_quote(const char *prefix, const char *path, struct buf *out)
{
    if (!needs_quotes(path)) {
        buf_puts(out, prefix);
        buf_puts(out, path);
        return;
    }
    buf_addc(out, '"');
    buf_puts(out, prefix);
    for (const unsigned char *s = (const unsigned char *)path; *s; s++) {
        char esc = escape_of(*s);
        if (esc) {
            buf_addc(out, '\\');
            buf_addc(out, esc);
        } else if (*s < ' ' || *s >= 0x7f) {
            buf_printf(out, "\\%03o", *s);
        } else {
            buf_addc(out, (char)*s);
        }
    }
    buf_addc(out, '"');
}

/* The modes git knows (git-fast-import(1)). */
static unsigned git_mode(uint32_t mode)
{
    return S_ISLNK(mode) ? 0120000 : mode & 0100 ? 0100755 : 0100644;
}

static int blob_id(struct diff_side s, char ret[OID_HEX], struct err *e)
{
    git_oid oid;
    memset(&oid, 0, sizeof oid);
    if (s.mode && git_odb_hash(&oid, s.p ? s.p : "", s.len, GIT_OBJECT_BLOB) < 0)
        return git_failed(e, "hash a file");
    git_oid_tostr(ret, OID_HEX, &oid);
    return 0;
}

static int header(const char *path, struct diff_side a, struct diff_side b, bool same, struct buf *out, struct err *e)
{
    char ida[OID_HEX], idb[OID_HEX];
    int r = blob_id(a, ida, e);
    if (r == 0)
        r = blob_id(b, idb, e);
    if (r < 0)
        return r;
    buf_puts(out, "diff --git ");
    diff_quote("a/", path, out);
    buf_addc(out, ' ');
    diff_quote("b/", path, out);
    buf_addc(out, '\n');
    if (!a.mode)
        buf_printf(out, "new file mode %06o\n", git_mode(b.mode));
    else if (!b.mode)
        buf_printf(out, "deleted file mode %06o\n", git_mode(a.mode));
    else if (git_mode(a.mode) != git_mode(b.mode))
        buf_printf(out, "old mode %06o\nnew mode %06o\n", git_mode(a.mode), git_mode(b.mode));
    if (!a.mode || !b.mode)
        buf_printf(out, "index %s..%s\n", ida, idb);
    else if (!same && git_mode(a.mode) == git_mode(b.mode))
        buf_printf(out, "index %s..%s %06o\n", ida, idb, git_mode(b.mode));
    else if (!same)
        buf_printf(out, "index %s..%s\n", ida, idb);
    return 0;
}

/* "--- a/x": a name with white space gets a tab behind it, so that git does not look for a time stamp in it. */
static void name_line(const char *lead, const char *prefix, const char *path, bool there, struct buf *out)
{
    buf_puts(out, lead);
    if (!there) {
        buf_puts(out, "/dev/null\n");
        return;
    }
    diff_quote(prefix, path, out);
    buf_puts(out, strchr(path, ' ') ? "\t\n" : "\n");
}

static int print_line(const git_diff_delta *d, const git_diff_hunk *h, const git_diff_line *l, void *arg)
{
    struct buf *out = arg;
    switch (l->origin) {
    case GIT_DIFF_LINE_FILE_HDR:
        return 0;
    case GIT_DIFF_LINE_CONTEXT:
    case GIT_DIFF_LINE_ADDITION:
    case GIT_DIFF_LINE_DELETION:
        buf_addc(out, l->origin);
        break;
    default: /* hunk headers, "\ No newline at end of file", binary bodies: complete as they are */
        break;
    }
    buf_add(out, l->content, l->content_len);
    return out->bad;
}

static int body(struct diff_side a, struct diff_side b, bool binary, struct buf *out, struct err *e)
{
    git_patch *p = NULL;
    uint32_t flags =
        binary ? GIT_DIFF_FORCE_BINARY | GIT_DIFF_SHOW_BINARY : GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC;
    int r = make_patch(a, b, flags, &p, e);
    if (r < 0)
        return r;
    if (git_patch_print(p, print_line, out) < 0 && !out->bad)
        r = git_failed(e, "print a patch");
    git_patch_free(p);
    return r;
}

/* The text behind so many lines of s, from `at` on. */
static size_t lines_on(struct diff_side s, size_t at, size_t lines)
{
    while (lines-- > 0 && at < s.len) {
        const char *nl = memchr(s.p + at, '\n', s.len - at);
        at = nl ? (size_t)(nl - s.p) + 1 : s.len;
    }
    return at;
}

static bool named(const uint32_t *v, size_t n, size_t number)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] == number)
            return true;
    return false;
}

struct some {
    struct diff_side a;
    size_t at, line; /* a is taken over up to here */
    struct buf *out;
    int64_t add, del;
};

/* Lines as they are in the two files; what tells of a missing newline at the end is no line of either. */
static int take_hunk(struct some *s, git_patch *p, size_t h, size_t lines, struct err *e)
{
    for (size_t i = 0; i < lines; i++) {
        const git_diff_line *l;
        if (git_patch_get_line_in_hunk(&l, p, h, i) < 0)
            return git_failed(e, "read a patch");
        if (l->origin == GIT_DIFF_LINE_CONTEXT || l->origin == GIT_DIFF_LINE_ADDITION)
            buf_add(s->out, l->content, l->content_len);
        s->add += l->origin == GIT_DIFF_LINE_ADDITION;
        s->del += l->origin == GIT_DIFF_LINE_DELETION;
    }
    return 0;
}

static int each_hunk(struct some *s, git_patch *p, size_t h, bool take, struct err *e)
{
    const git_diff_hunk *hunk;
    size_t lines;
    if (git_patch_get_hunk(&hunk, &lines, p, h) < 0)
        return git_failed(e, "read a patch");
    /* of an insertion, old_start is the line before it */
    size_t start = (size_t)hunk->old_start - (hunk->old_lines > 0), end;
    end = lines_on(s->a, s->at, start - s->line);
    buf_add(s->out, s->a.p + s->at, end - s->at);
    s->at = end;
    end = lines_on(s->a, s->at, (size_t)hunk->old_lines);
    s->line = start + (size_t)hunk->old_lines;
    if (!take)
        buf_add(s->out, s->a.p + s->at, end - s->at);
    s->at = end;
    return take ? take_hunk(s, p, h, lines, e) : 0;
}

int diff_some(struct diff_side a, struct diff_side b, const uint32_t *v, size_t n, struct buf *out, size_t *ret_hunks,
              int64_t *ret_add, int64_t *ret_del, struct err *e)
{
    struct some s = {.a = a, .out = out};
    git_patch *p = NULL;
    int r = make_patch(a, b, GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC, &p, e); /* as body() */
    if (r < 0)
        return r;
    size_t hunks = git_patch_num_hunks(p);
    for (size_t i = 0; i < n && r == 0; i++)
        if (v[i] < 1 || v[i] > hunks)
            r = err_set(e, ERR_INVALID, "there are %zu hunks, and no hunk %u", hunks, v[i]);
    s.a.p = a.p ? a.p : "";
    for (size_t h = 0; h < hunks && r == 0; h++)
        r = each_hunk(&s, p, h, named(v, n, h + 1), e);
    git_patch_free(p);
    if (r < 0)
        return r;
    buf_add(out, s.a.p + s.at, a.len - s.at);
    if (out->bad)
        return err_bad(e, out->bad, "the file is too large");
    *ret_hunks = hunks;
    *ret_add = s.add;
    *ret_del = s.del;
    return 0;
}

static int one(const char *path, struct diff_side a, struct diff_side b, struct buf *out, struct err *e)
{
    bool same = a.mode && b.mode && a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
    if ((!a.mode && !b.mode) || (same && git_mode(a.mode) == git_mode(b.mode)))
        return 0;
    int r = header(path, a, b, same, out, e);
    if (r < 0 || same || (a.len == 0 && b.len == 0))
        return r;
    bool binary = diff_binary(a.p, a.len) || diff_binary(b.p, b.len);
    if (!binary) {
        name_line("--- ", "a/", path, a.mode != 0, out);
        name_line("+++ ", "b/", path, b.mode != 0, out);
    }
    return body(a, b, binary, out, e);
}

int diff_file(const char *path, struct diff_side a, struct diff_side b, struct buf *out, struct err *e)
{
    struct diff_side none = {0};
    int r = 0;
    if (a.mode && b.mode && (a.mode & S_IFMT) != (b.mode & S_IFMT)) {
        r = one(path, a, none, out, e);
        a = none;
    }
    if (r == 0)
        r = one(path, a, b, out, e);
    if (r == 0 && out->bad)
        return err_bad(e, out->bad, "the patch is too large");
    return r;
}
