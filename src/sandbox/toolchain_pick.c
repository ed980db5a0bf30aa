/* toolchain_pick - which of the installed versions a project gets, as the tools themselves choose.
 *
 * Why it exists: nvm, fnm, volta and asdf choose in a shell's start files or in shims that need their configuration;
 * a step reads no start files, so PATH must name the version.
 * May include: base os.   Threads: any. */
#include "sandbox/toolchain_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "os/file.h"

#define TEXT_MAX  (64 * KIB)
#define NAMES_MAX 1000
#define ALIASES   8 /* an alias may name another one */

/* ---- reading ---- */

/* A regular file below dirfd; links may lead within, not out. */
static bool read_text(int dirfd, const char *path, struct buf *out)
{
    struct stat st;
    AUTO(fd_close) int fd = dirfd < 0 ? -1 : file_open_beneath(dirfd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fd_read_all(fd, out, NULL) == 0 && !out->bad;
}

/* One name of a directory, nothing that could lead elsewhere. */
static bool is_version(const char *s)
{
    return *s && *s != '.' && *s != '-' && strlen(s) < 100 &&
           strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ._+-") == strlen(s);
}

/* The first word of the first line that is no comment. */
static bool first_word(const char *text, char *ret, size_t cap)
{
    while (*text == '#' || *text == '\n' || *text == ' ' || *text == '\t' || *text == '\r')
        text += *text == '#' ? strcspn(text, "\n") : 1;
    int n = snprintf(ret, cap, "%.*s", (int)strcspn(text, " \t\r\n#"), text);
    return n > 0 && (size_t)n < cap;
}

static bool file_word(int dirfd, const char *path, char *ret, size_t cap)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX);
    return read_text(dirfd, path, &b) && b.p && first_word(b.p, ret, cap);
}

static int by_version(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

int toolchain_names(int dirfd, const char *dir, struct strs *ret, struct err *e)
{
    int fd = file_open_beneath(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    int r = 0;
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && r == 0 && ret->n < NAMES_MAX && (de = readdir(d));) {
        if (is_version(de->d_name))
            r = strs_once(ret, de->d_name, e);
    }
    if (d)
        closedir(d);
    if (ret->n > 1)
        qsort(ret->v, ret->n, sizeof(*ret->v), by_version);
    return r;
}

/* ---- node ---- */

/* "18" and "v18.17" match "v18.17.1": the newest of them. */
static bool newest_of(const struct strs *have, const char *want, char *ret, size_t cap)
{
    const char *w = want + (*want == 'v');
    size_t n = strlen(w);
    for (size_t i = have->n; i > 0; i--) {
        const char *name = have->v[i - 1], *h = name + (*name == 'v');
        if (strncmp(h, w, n) == 0 && (h[n] == 0 || h[n] == '.' || n == 0))
            return str_copy(ret, cap, name);
    }
    return false;
}

/* An alias is a file with the version (nvm), or a link to its directory (fnm). */
static bool alias_of(int home, const char *dir, const char *name, char *ret, size_t cap)
{
    char path[512], target[1024];
    if (strstr(name, "..") || snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return false;
    if (file_word(home, path, ret, cap))
        return true;
    ssize_t n = readlinkat(home, path, target, sizeof(target) - 1);
    const char *at = n > 0 ? memmem(target, (size_t)n, "node-versions/", 14) : NULL;
    if (!at)
        return false;
    target[n] = 0;
    n = snprintf(ret, cap, "%.*s", (int)strcspn(at + 14, "/"), at + 14);
    return n > 0 && (size_t)n < cap;
}

static bool volta_default(int home, const char *path, char *ret, size_t cap)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct err none = ERR_INIT;
    if (!read_text(home, path, &b) || !b.p || json_parse(b.p, b.len, &doc, &none) < 0)
        return false;
    const char *v = json_str(json_get(json_get(doc, "node"), "runtime"));
    return v && str_copy(ret, cap, v);
}

/* A version, an alias ("lts/hydrogen"), or "node" -> one that is installed. */
static bool resolve(int home, const struct strs *have, const char *aliases, const char *asked, char *ret, size_t cap)
{
    char want[128], next[128];
    if (!str_copy(want, sizeof(want), asked))
        return false;
    for (int i = 0; i < ALIASES; i++) {
        if (newest_of(have, want, ret, cap))
            return true;
        if (str_eq(want, "node") || str_eq(want, "stable") || str_eq(want, "latest"))
            return newest_of(have, "", ret, cap);
        if (!*aliases || !alias_of(home, aliases, want, next, sizeof(next)))
            return false;
        memcpy(want, next, sizeof(want));
    }
    return false;
}

bool toolchain_node(int home, int project, const char *dir, const char *choice, char *ret, size_t cap)
{
    static const char *const files[] = {".nvmrc", ".node-version"};
    AUTO(strs_fini) struct strs have = {0};
    char want[128];
    struct err none = ERR_INIT;
    bool json = str_ends(choice, ".json");
    if (toolchain_names(home, dir, &have, &none) < 0 || have.n == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (file_word(project, files[i], want, sizeof(want)) &&
            resolve(home, &have, json ? "" : choice, want, ret, cap))
            return true;
    }
    if (json ? volta_default(home, choice, want, sizeof(want)) : str_copy(want, sizeof(want), "default")) {
        if (resolve(home, &have, json ? "" : choice, want, ret, cap))
            return true;
    }
    return newest_of(&have, "", ret, cap);
}

/* ---- asdf, mise ---- */

static int add_listed(const char *text, struct strs *ret, struct err *e)
{
    int r = 0;
    while (r == 0 && *text) {
        char tool[100], version[100], both[256];
        size_t n = strcspn(text, "\n");
        AUTO(buf_fini) struct buf line = BUF_INIT(KIB);
        buf_add(&line, text, n);
        if (line.p && sscanf(line.p, "%99s %99s", tool, version) == 2 && is_version(tool) && is_version(version)) {
            snprintf(both, sizeof(both), "%s/%s", tool, version);
            r = strs_once(ret, both, e);
        }
        text += n + (text[n] == '\n');
    }
    return r;
}

int toolchain_listed(int home, int project, struct strs *ret, struct err *e)
{
    const int where[] = {project, home};
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(where); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX);
        if (read_text(where[i], ".tool-versions", &b) && b.p)
            r = add_listed(b.p, ret, e);
    }
    return r;
}
