/* tsan_close - shows ThreadSanitizer the descriptors that libuv closes. Linked with libuv in builds that TSan watches.
 *
 * Why it exists: libuv closes by syscall(SYS_close, fd), which TSan does not see (libuv 1.44, src/unix/core.c,
 * uv__close_nocancel). The next one that gets the same number, in another thread, would then be taken for a race with
 * whoever had it before. Here syscall(3) stands before the C library's, for the program and for its libraries, and
 * closes by close(2), which TSan watches. May include: nothing of ours.   Threads: any. */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static long (*next)(long number, ...);

/* Before main, so that no call has to look it up: a child between fork and exec must not. */
__attribute__((constructor)) static void find_next(void)
{
    *(void **)&next = dlsym(RTLD_NEXT, "syscall");
}

__attribute__((visibility("default"))) long syscall(long number, ...)
{
    va_list ap;
    long a[6];

    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (number == SYS_close)
        return close((int)a[0]);
    if (!next)
        find_next();
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
