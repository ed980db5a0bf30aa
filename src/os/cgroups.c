/* cgroups - see cgroups.h. */
#include "os/cgroups.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/str.h"

#define CGROUP2_MAGIC 0x63677270 /* linux/magic.h */

bool cgroups_v2(const char *path)
{
    struct statfs s;
    return statfs(path, &s) == 0 && s.f_type == CGROUP2_MAGIC;
}

/* "4:memory:/a/b" or "0::/a/b" of /proc/self/cgroup: copies the path for one controller ("" = v2). */
static bool own_path(const char *text, const char *ctl, char *ret, size_t cap)
{
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *list = strchr(line, ':');
        const char *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            return false;
        size_t n = strlen(ctl);
        bool hit = path - list - 1 == 0 ? n == 0 : false;
        for (const char *p = list + 1; !hit && n && p < path; p += strcspn(p, ",:") + 1)
            hit = strcspn(p, ",:") == n && memcmp(p, ctl, n) == 0;
        size_t len = strcspn(path + 1, "\n");
        if (!hit)
            continue;
        /* "/..": our group lies outside this cgroup namespace's root and cannot be reached. */
        if (len + 1 > cap || strncmp(path + 1, "/..", 3) == 0)
            return false;
        memcpy(ret, path + 1, len);
        ret[len] = 0;
        return true;
    }
    return false;
}

/* The packaged service has its sandboxes in a unit beside it (packaging/systemd says why), where that is started. */
static void prefer_own_unit(const char *mount, char *own, size_t cap)
{
    static const char server[] = "/sallyport.service", unit[] = "/sallyport-sandboxes.service";
    char path[PATH_MAX];
    if (!str_ends(own, server))
        return;
    int stem = (int)(strlen(own) - strlen(server));
    int n = snprintf(path, sizeof(path), "%s%.*s%s/cgroup.subtree_control", mount, stem, own, unit);
    if (n < 0 || n >= (int)sizeof(path) || access(path, W_OK) < 0 || (size_t)stem + sizeof(unit) > cap)
        return;
    memcpy(own + stem, unit, sizeof(unit));
}

bool cgroups_base(const char *self, const char *controller, char *ret, size_t cap)
{
    char own[PATH_MAX], mount[64];
    bool unified = !controller[0];
    if (!own_path(self, controller, own, sizeof(own)))
        return false;
    if (unified)
        snprintf(mount, sizeof(mount), "%s",
                 cgroups_v2("/sys/fs/cgroup") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified");
    else
        snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", controller);
    if (unified && !cgroups_v2(mount))
        return false;
    if (str_ends(own, CGROUPS_LEAF))
        own[strlen(own) - strlen(CGROUPS_LEAF)] = 0;
    if (unified)
        prefer_own_unit(mount, own, sizeof(own));
    int n = snprintf(ret, cap, "%s%s", mount, strcmp(own, "/") == 0 ? "" : own);
    return n > 0 && (size_t)n < cap;
}
