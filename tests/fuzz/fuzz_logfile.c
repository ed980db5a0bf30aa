/* The input is a log file: reading ends, a writer either takes the file over, and then every frame reads back and
 * one more can be added, or leaves it as it is. */
#include "fuzz.h"
#include "os/file.h"
#include "os/logfile.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of the last whole frame. */
static uint64_t walk(int dir, const char *name, int *ret_end)
{
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    struct log_frame f;
    uint64_t at = LOG_START;
    int c = logfile_open_read(dir, name, &r, NULL);
    for (; c >= 0 && (c = logfile_read(r, at, &f, NULL)) == 1; at = f.next)
        MUST(f.offset == at && f.next > at && f.n <= LOG_PAYLOAD_MAX);
    *ret_end = c;
    return at;
}

static void take_over(int dir, const char *name, size_t n)
{
    struct log_writer *w = NULL;
    struct stat st;
    int end;
    uint64_t whole = walk(dir, name, &end);
    int r = logfile_open_write(dir, name, &w, NULL);
    MUST(r == 0 || r == -ERR_CORRUPT);
    if (r < 0) {
        MUST(fstatat(dir, name, &st, 0) == 0 && (size_t)st.st_size == n);
        return;
    }
    MUST(logfile_size(w) == whole);
    r = logfile_append(w, LOG_SYSTEM, 5, "more", 4, NULL);
    MUST(r == 0 || r == -ERR_STATE);
    MUST(walk(dir, name, &end) == logfile_size(w) && end == 0);
    logfile_close_write(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char dir_name[] = "/dev/shm/sallyport-fuzz-XXXXXX";
    MUST(mkdtemp(dir_name));
    int dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    MUST(dir >= 0 && fd >= 0 && fd_write_full(fd, p, n, NULL) == 0);
    close(fd);
    take_over(dir, "log", n);
    unlinkat(dir, "log", 0);
    close(dir);
    rmdir(dir_name);
    return 0;
}
