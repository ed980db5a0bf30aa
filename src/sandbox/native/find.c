/* find - where sallyport-shim is.
 *
 * May include: base os.   Threads: any. */
#include "sandbox/native/native.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"

static int take_if_there(char *path, char **ret)
{
    if (path && access(path, X_OK) == 0) {
        *ret = path;
        return 1;
    }
    free(path);
    return 0;
}

char *const *native_shim_env(struct native_env *mem)
{
    *mem = (struct native_env){0};
#ifdef SALLYPORT_FAULTS
    static const char *const names[][2] = {{"SALLYPORT_SHIM_FAULT", "SALLYPORT_FAULT"},
                                           {"SALLYPORT_FAULT_LOG", "SALLYPORT_FAULT_LOG"},
                                           {"SALLYPORT_FAULT_BOARD", "SALLYPORT_FAULT_BOARD"}};
    for (size_t i = 0, n = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i][0]);
        int len = value ? snprintf(mem->text[i], sizeof(mem->text[i]), "%s=%s", names[i][1], value) : 0;
        if (len > 0 && (size_t)len < sizeof(mem->text[i]))
            mem->v[n++] = mem->text[i];
    }
#endif
    return mem->v;
}

int native_shim_path(char **ret, struct err *e)
{
    char self[PATH_MAX];
    const char *env = getenv("SALLYPORT_SHIM");
    if (env && *env == '/' && take_if_there(str_dup(env), ret))
        return 0;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = 0;
        *strrchr(self, '/') = 0;
        if (take_if_there(str_printf("%s/sallyport-shim", self), ret) ||
            take_if_there(str_printf("%s/../shim/sallyport-shim", self), ret)) /* in the build tree */
            return 0;
    }
    if (take_if_there(str_dup(SALLYPORT_LIBEXEC "/sallyport-shim"), ret))
        return 0;
    return err_set(e, ERR_SANDBOX_UNAVAILABLE,
                   "sallyport-shim is missing (looked beside %s and in " SALLYPORT_LIBEXEC "); fix: install it again",
                   n > 0 ? self : "sallyport");
}
