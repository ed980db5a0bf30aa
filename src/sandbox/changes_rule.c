/* changes_rule - see changes_rule.h. */
#include "sandbox/changes_rule.h"
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* git's verify_path with core.protectHFS and core.protectNTFS: any case, trailing dots and blanks, an NTFS stream, the
 * short name, and code points HFS+ ignores (all of them begin with E2 or EF in UTF-8; we refuse the whole family). */
static bool like_dotgit(const char *s, size_t n)
{
    char plain[8];
    size_t k = 0;
    if (n >= 5 && strncasecmp(s, "git~1", 5) == 0)
        return n == 5 || strspn(s + 5, ". ") >= n - 5 || s[5] == ':';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c == 0xe2 || c == 0xef) && i + 2 < n) {
            i += 2;
            continue;
        }
        if (k == 4)
            return strspn(s + i, ". ") >= n - i || c == ':';
        plain[k++] = (char)c;
        if (strncasecmp(plain, ".git", k) != 0)
            return false;
    }
    return k == 4;
}

const char *rule_path(const char *path)
{
    for (const char *p = path;; p++) {
        size_t n = strcspn(p, "/");
        if (like_dotgit(p, n))
            return ".git is not applied";
        p += n;
        if (!*p)
            return NULL;
    }
}

const char *rule_mode(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return mode & S_ISUID ? "setuid bit" : mode & S_ISGID ? "setgid bit" : NULL;
    case S_IFDIR:
        return mode & S_ISUID ? "setuid bit" : NULL;
    case S_IFLNK:
        return NULL;
    case S_IFIFO:
        return "FIFO";
    case S_IFSOCK:
        return "socket";
    default:
        return "device";
    }
}

static size_t depth_of_dir(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* ".." may only come first: behind a name it would climb from wherever that name leads, if it is a link itself. */
const char *rule_link(const char *path, const char *target)
{
    size_t up = 0, max = depth_of_dir(path);
    bool named = false;
    const char *base = strrchr(path, '/');
    if (strcasecmp(base ? base + 1 : path, ".gitmodules") == 0)
        return "symlink named .gitmodules";
    if (*target == '/' || *target == '\0')
        return "symlink leads outside";
    for (const char *p = target; *p; p += strspn(p, "/")) {
        size_t n = strcspn(p, "/");
        bool dots = n == 2 && p[0] == '.' && p[1] == '.';
        if (dots && (named || ++up > max))
            return "symlink leads outside";
        named = named || !(dots || (n == 1 && *p == '.'));
        p += n;
    }
    return NULL;
}
