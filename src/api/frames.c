/* frames.c - see frames.h. In builds for tests only. */
#include "api/frames.h"

#if defined(SALLYPORT_FAULTS) || defined(SALLYPORT_FRAMES)
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#define FILE_MAX   ((off_t)(256 * MIB)) /* of all servers of one script; tools/frames says when one was full */
#define STRING_MAX 512                  /* more of a string does not matter to the schema of what is sent */

/* Bytes of one character of a JSON string. */
static size_t unit(const char *p, size_t n)
{
    size_t k = p[0] != '\\' || n < 2 ? 1 : p[1] == 'u' ? 6 : 2;

    while (k < n && ((unsigned char)p[k] & 0xc0) == 0x80) /* the rest of a sequence of UTF-8 */
        k++;
    return k < n ? k : n;
}

/* On one line (line feeds stand between values only; in strings they are escaped), long strings cut. */
static void put(struct buf *b, const char *p, size_t n)
{
    bool string = false;
    size_t len = 0;

    for (size_t i = 0, k; i < n; i += k) {
        k = string ? unit(p + i, n - i) : 1;
        if (p[i] == '"') {
            string = !string;
            len = 0;
        }
        len += k;
        if (!string || len <= STRING_MAX)
            buf_add(b, p[i] == '\n' ? " " : p + i, k);
    }
}

void frame_sent(const char *via, const char *head, const void *json, size_t n, const char *tail)
{
    const char *path = getenv("SALLYPORT_FRAMES");
    AUTO(fd_close) int fd = path && *path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW) : -1;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB);
    struct stat st;

    /* The file is made by who wants it. */
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size >= FILE_MAX)
        return;
    buf_puts(&b, via);
    buf_addc(&b, ' ');
    buf_puts(&b, head);
    put(&b, json, n);
    buf_puts(&b, tail);
    buf_addc(&b, '\n');
    if (!b.bad && write(fd, b.p, b.len) < 0)
        return; /* the disk tests: it is not looked at */
}
#endif
