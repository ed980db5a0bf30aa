/* policy_files - the paths and hosts a command's operands visibly name.
 *
 * Why it exists: `cp x /etc/passwd` writes as much as `> /etc/passwd`. One row
 * per common program; what is not listed is held by the sandbox alone.
 * May include: core/policy_int.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"

/* Which operands are written. */
enum what { ALL, LAST, NOT_FIRST, SECOND, NONE };
static const struct {
    const char *prog;
    enum what what;
    const char *args; /* letters whose value is not an operand */
    const char *dest; /* letters whose value is written; with a long spelling in `longs` */
    const char *longs;
} writers[] = {
    {"rm", ALL, "", "", ""},
    {"rmdir", ALL, "", "", ""},
    {"unlink", ALL, "", "", ""},
    {"shred", ALL, "ns", "", ""},
    {"touch", ALL, "drt", "", ""},
    {"mkdir", ALL, "m", "", ""},
    {"mkfifo", ALL, "m", "", ""},
    {"mknod", ALL, "m", "", ""},
    {"truncate", ALL, "sr", "", ""},
    {"tee", ALL, "", "", ""},
    {"chmod", NOT_FIRST, "", "", ""},
    {"chown", NOT_FIRST, "", "", ""},
    {"chgrp", NOT_FIRST, "", "", ""},
    {"chattr", NOT_FIRST, "", "", ""},
    {"setfacl", NONE, "mxM", "", ""},
    {"mv", ALL, "S", "t", "target-directory"},
    {"cp", LAST, "S", "t", "target-directory"},
    {"ln", LAST, "S", "t", "target-directory"},
    {"install", LAST, "mogS", "t", "target-directory"},
    {"rsync", LAST, "eBfT", "", ""},
    {"tar", NONE, "", "C", "directory"},
    {"unzip", NONE, "", "d", ""},
    {"gcc", NONE, "", "o", ""},
    {"cc", NONE, "", "o", ""},
    {"g++", NONE, "", "o", ""},
    {"clang", NONE, "", "o", ""},
    {"ld", NONE, "", "o", ""},
    {"sort", NONE, "", "o", "output"},
    {"curl", NONE, "", "oc", "output"},
    {"wget", NONE, "", "OP", "output-document"},
    {"go", NONE, "", "o", ""},
    {"gzip", ALL, "S", "", ""},
    {"gunzip", ALL, "S", "", ""},
    {"bzip2", ALL, "", "", ""},
    {"xz", ALL, "", "", ""},
    {"patch", NONE, "i", "od", "output"},
    {"split", SECOND, "abClnt", "", ""},
    {"git", NONE, "", "o", "output"},
    {"mkfs*", ALL, "", "", ""},
    {"mkswap", ALL, "", "", ""},
    {"wipefs", ALL, "", "", ""},
    {"ed", ALL, "", "", ""},
    {"git-init", ALL, "", "", ""},
    {"csplit", NONE, "", "f", ""},
};

struct operands {
    const struct shell_cmd *c;
    size_t at[64]; /* operands: indexes of words */
    size_t n;
};

/* Calls fn for the values of destination options; gathers the operands. */
static void scan(const struct shell_cmd *c, size_t row, struct operands *out, files_fn fn, void *arg)
{
    const char *args = writers[row].args, *dest = writers[row].dest, *longs = writers[row].longs;
    bool more = true;

    out->c = c;
    out->n = 0;
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (more && str_eq(f, "--")) {
            more = false;
        } else if (more && f[0] == '-' && f[1] == '-') {
            size_t n = strcspn(f + 2, "=");
            bool is = n > 2 && strncmp(f + 2, longs, n) == 0 && n <= strlen(longs);
            if (is && f[2 + n])
                fn(arg, POLICY_WRITE, f + 3 + n);
            else if (is && i + 1 < c->nwords)
                fn(arg, POLICY_WRITE, c->words[++i].form);
        } else if (more && f[0] == '-' && f[1]) {
            const char *p = f + 1;
            while (*p && !strchr(dest, *p) && !strchr(args, *p))
                p++;
            if (*p && strchr(dest, *p)) {
                if (p[1])
                    fn(arg, POLICY_WRITE, p + 1);
                else if (i + 1 < c->nwords)
                    fn(arg, POLICY_WRITE, c->words[++i].form);
            } else if (*p && !p[1]) {
                i++;
            }
        } else if (*f && out->n < ARRAY_LEN(out->at)) {
            out->at[out->n++] = i;
        } else if (*f) {
            fn(arg, POLICY_WRITE, f); /* more operands than there is room for: all of them count */
        }
    }
}

static void writes(const struct shell_cmd *c, size_t row, files_fn fn, void *arg)
{
    struct operands o;
    size_t from = 0;

    scan(c, row, &o, fn, arg);
    if (writers[row].what == NONE || o.n == 0)
        return;
    if (writers[row].what == LAST)
        from = o.n - 1;
    if (writers[row].what == NOT_FIRST || writers[row].what == SECOND)
        from = 1;
    for (size_t i = from; i < o.n; i++)
        fn(arg, POLICY_WRITE, c->words[o.at[i]].form);
}

/* tar -cf archive, tar cf archive, tar --file=archive --create. */
static void tar_writes(const struct shell_cmd *c, files_fn fn, void *arg)
{
    bool creates = false;

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        bool cluster = (f[0] == '-' && f[1] != '-') || i == 1;
        creates = creates || (cluster && strpbrk(f, "cruA")) || str_starts(f, "--create") ||
                  str_starts(f, "--append") || str_starts(f, "--update");
    }
    for (size_t i = 1; creates && i < c->nwords; i++) {
        const char *f = c->words[i].form, *at = NULL;
        if (str_starts(f, "--file="))
            at = f + 7;
        else if ((f[0] == '-' && f[1] != '-') || i == 1)
            at = strchr(f, 'f') ? strchr(f, 'f') + 1 : NULL;
        if (at && !*at && i + 1 < c->nwords)
            at = c->words[i + 1].form;
        if (at && *at && !str_eq(at, "-"))
            fn(arg, POLICY_WRITE, at);
    }
}

/* find -fprint file, -fprintf file format, -fls file. */
static void find_writes(const struct shell_cmd *c, files_fn fn, void *arg)
{
    for (size_t i = 1; i + 1 < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (str_starts(f, "-fprint") || str_eq(f, "-fls"))
            fn(arg, POLICY_WRITE, c->words[i + 1].form);
    }
}

/* sed -i, perl -i, dd of= and others: not in the table's shape. */
static void odd_writers(const struct shell_cmd *c, const char *prog, files_fn fn, void *arg)
{
    bool in_place = false, script = false;

    if (str_eq(prog, "tar") || str_eq(prog, "gtar"))
        tar_writes(c, fn, arg);
    if (str_eq(prog, "find") || str_eq(prog, "gfind"))
        find_writes(c, fn, arg);

    if (str_eq(prog, "dd")) {
        for (size_t i = 1; i < c->nwords; i++) {
            if (str_starts(c->words[i].form, "of="))
                fn(arg, POLICY_WRITE, c->words[i].form + 3);
        }
        return;
    }
    if (!str_eq(prog, "sed") && !str_eq(prog, "perl") && !str_eq(prog, "gsed"))
        return;
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        in_place = in_place || (f[0] == '-' && f[1] != '-' && strchr(f, 'i')) || str_starts(f, "--in-place");
        script = script || (f[0] == '-' && f[1] != '-' && strpbrk(f, "ef")) || str_starts(f, "--expression");
    }
    for (size_t i = 1; in_place && i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (f[0] == '-') {
            i += f[1] != '-' && strpbrk(f, "ef") && !strpbrk(f, "ef")[1];
            continue;
        }
        if (script)
            fn(arg, POLICY_WRITE, f);
        script = true; /* the first operand is the script */
    }
}

void files_of(const struct shell_cmd *c, files_fn fn, void *arg)
{
    static const char *const silent[] = {"echo", "printf", ":", "true", "false", "export"};
    const char *prog = c->nwords ? shell_base(c->words[0].form) : "";

    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        if (glob_match(writers[i].prog, prog))
            writes(c, i, fn, arg);
    }
    odd_writers(c, prog, fn, arg);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        if (str_eq(prog, silent[i]))
            return;
    }
    /* Any other operand may be read. */
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form, *eq = strchr(f, '=');
        if (str_eq(prog, "git") && f[0] != '/' && f[0] != SHELL_F_HOME)
            continue; /* revisions, messages, and files git has anyway */
        if (f[0] != '-' && *f)
            fn(arg, POLICY_READ, f);
        else if (eq && eq[1])
            fn(arg, POLICY_READ, eq + 1);
        if (f[0] != '-' && (eq || strchr(f, '@'))) /* of=x, file=@x */
            fn(arg, POLICY_READ, (eq ? eq : strchr(f, '@')) + 1 + (eq && eq[1] == '@'));
    }
}

void hosts_of(const struct shell_cmd *c, hosts_fn fn, void *arg)
{
    static const char *const talkers[] = {"curl", "wget",     "git", "ssh",  "scp",   "sftp",   "rsync", "nc",
                                          "ncat", "telnet",   "ftp", "http", "https", "aria2c", "lynx",  "ping",
                                          "dig",  "nslookup", "pip", "npm",  "go",    "deno"};
    const char *prog = c->nwords ? shell_base(c->words[0].form) : "";
    bool talks = false;

    for (size_t i = 0; i < ARRAY_LEN(talkers); i++)
        talks = talks || str_eq(prog, talkers[i]);
    for (size_t i = 1; talks && i < c->nwords; i++) {
        const char *v = c->words[i].value, *p = v ? strstr(v, "://") : NULL;
        char host[256];
        if (!p)
            continue;
        p += 3;
        size_t n = strcspn(p, "/?#");
        const char *at = memchr(p, '@', n);
        if (at) {
            n -= (size_t)(at + 1 - p);
            p = at + 1;
        }
        n = *p == '[' ? strcspn(p + 1, "]") : strcspn(p, ":/?#");
        p += *p == '[';
        if (n == 0 || n >= sizeof(host))
            continue;
        memcpy(host, p, n);
        host[n] = '\0';
        fn(arg, host);
    }
}
