/* seccomp - loads the system call filter that seccomp_gen made from seccomp.def when the shim was built.
 *
 * Why it exists: building a filter takes 1.5 ms, loading one 0.1 ms; and so the shim needs no library for it.
 * May include: base.   seccomp(2). */
#include "shim/shim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include "shim/sys.h"

static const struct sock_filter filter[] = {
#include "seccomp_bpf.h"
};

bool seccomp_there(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int seccomp_enter(void)
{
    struct sock_fprog prog = {.len = (unsigned short)ARRAY_LEN(filter), .filter = (struct sock_filter *)filter};
    if (!seccomp_there())
        return 0; /* decided before: check_filters in build.c */
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
