/* The input is a compressed log. Its checksum of the seek table is made right first, or nothing behind it would ever be
 * reached; then it is refused, or read: every answer at every offset is a frame within bounds or an error. */
#include "fuzz.h"
#include "base/hash.h"
#include "os/file.h"
#include "os/logzst_int.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void mend(char *p, size_t n)
{
    if (n < ZST_MARK + ZST_SKIP + ZST_FOOT)
        return;
    uint64_t body = le_get(p + n - ZST_FOOT, 4) * ZST_ENTRY + ZST_FOOT;
    if (body > n - ZST_MARK - ZST_SKIP)
        return;
    char *table = p + n - body;
    le_put(table - ZST_SKIP - 4, crc32c(0, table, (size_t)body), 4);
}

static void read_all(int dir)
{
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    struct log_frame f;
    uint64_t at = LOG_START, size = 0;
    int c = logfile_open_read(dir, "log", &r, NULL);
    if (c < 0) {
        MUST(c == -ERR_CORRUPT);
        return;
    }
    MUST(logfile_size_read(r, &size, NULL) == 0);
    for (; (c = logfile_read(r, at, &f, NULL)) == 1; at = f.next)
        MUST(f.offset == at && f.next > at && f.next <= size && f.n <= LOG_PAYLOAD_MAX);
    MUST(c == -ERR_CORRUPT || (c == 0 && (at == size || at == LOG_START)));
    for (uint64_t i = 0; i < 64; i++) {
        c = logfile_read(r, size / 64 * i, &f, NULL);
        MUST(c == 1 || c == 0 || c == -ERR_CORRUPT || c == -ERR_CURSOR);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char dir_name[] = "/dev/shm/sallyport-fuzz-XXXXXX";
    MUST(mkdtemp(dir_name));
    int dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, "log.zst", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char *copy = fuzz_string(p, n);
    mend(copy, n);
    MUST(dir >= 0 && fd >= 0 && fd_write_full(fd, copy, n, NULL) == 0);
    free(copy);
    close(fd);
    read_all(dir);
    unlinkat(dir, "log.zst", 0);
    close(dir);
    rmdir(dir_name);
    return 0;
}
