/* logzst: random logs read the same before and after, from every frame and from any offset; every bit of a compressed
 * log damaged; killed at every step of the replacement; what the zstd program makes of one. */
#include "tmp.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "os/logzst.h"
#include <sys/wait.h>

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % below;
}

/* Text that compresses, bytes that do not, empty frames and the largest ones. */
static void random_log(const struct tmp *t, const char *name, int frames)
{
    char *b = malloc(LOG_PAYLOAD_MAX);
    struct log_writer *w = NULL;
    assert_non_null(b);
    assert_int_equal(logfile_open_write(t->fd, name, &w, NULL), 0);
    for (int i = 0; i < frames; i++) {
        uint32_t kind = rnd(10);
        size_t n = kind == 0 ? 0 : kind == 1 ? LOG_PAYLOAD_MAX - rnd(3) : kind < 5 ? rnd(100000) : rnd(300);
        for (size_t k = 0; k < n; k++)
            b[k] = kind % 2 ? (char)rnd(256) : "make: nothing to be done\n"[k % 25];
        assert_int_equal(logfile_append(w, 1 + (int)rnd(3), 1000 + i, b, n, NULL), 0);
    }
    assert_int_equal(logfile_append(w, LOG_EXIT, 5, "exit", 4, NULL), 0);
    logfile_close_write(w);
    free(b);
}

static struct logzst_result pack(const struct tmp *t, const char *name)
{
    struct logzst_result res = {-1, -1};
    struct err e = ERR_INIT;
    if (logzst_pack(t->fd, name, NULL, NULL, &res, &e) < 0)
        fail_msg("%s", e.msg);
    return res;
}

static bool exists(const struct tmp *t, const char *name)
{
    return faccessat(t->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct log_reader *reader(const struct tmp *t, const char *name)
{
    struct log_reader *r = NULL;
    struct err e = ERR_INIT;
    if (logfile_open_read(t->fd, name, &r, &e) < 0)
        fail_msg("%s", e.msg);
    return r;
}

static void same_answer(struct log_reader *a, struct log_reader *b, uint64_t at)
{
    struct log_frame f = {0}, g = {0};
    int r = logfile_read(a, at, &f, NULL);
    assert_int_equal(logfile_read(b, at, &g, NULL), r);
    if (r != 1)
        return;
    assert_int_equal(f.offset, g.offset);
    assert_int_equal(f.next, g.next);
    assert_int_equal(f.stream, g.stream);
    assert_int_equal(f.time_us, g.time_us);
    assert_int_equal(f.n, g.n);
    assert_memory_equal(f.p, g.p, f.n);
}

/* From the first frame to the last, backwards, and at places where no frame begins. `plain` has the file open. */
static void same_log(struct log_reader *plain, struct log_reader *packed)
{
    uint64_t offsets[512], at = LOG_START, a = 0, b = 0;
    struct log_frame f;
    size_t n = 0;
    for (; logfile_read(plain, at, &f, NULL) == 1; at = f.next) {
        same_answer(plain, packed, at);
        if (n < ARRAY_LEN(offsets))
            offsets[n++] = at;
    }
    same_answer(plain, packed, at); /* the end */
    same_answer(plain, packed, at + 1);
    same_answer(plain, packed, UINT64_MAX);
    same_answer(plain, packed, 0);
    while (n-- > 0)
        same_answer(plain, packed, offsets[n]);
    for (int i = 0; i < 200; i++)
        same_answer(plain, packed, rnd((uint32_t)at + 100));
    assert_int_equal(logfile_size_read(plain, &a, NULL), 0);
    assert_int_equal(logfile_size_read(packed, &b, NULL), 0);
    assert_int_equal(a, b);
    assert_int_equal(a, at);
}

static void random_logs_read_the_same(void **state)
{
    struct tmp *t = *state;
    char name[32], zst[40];
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "%d.0.log", i);
        snprintf(zst, sizeof zst, "%s.zst", name);
        random_log(t, name, 1 + (int)rnd(60));
        AUTO_PTR(logfile_close_read) struct log_reader *before = reader(t, name);
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB);
        assert_int_equal(file_read(t->fd, name, &b, NULL), 0);
        struct logzst_result res = pack(t, name);
        assert_int_equal(res.plain_bytes, b.len);
        assert_int_equal(exists(t, name), res.zst_bytes == 0);
        assert_int_equal(exists(t, zst), res.zst_bytes != 0);
        assert_true(res.zst_bytes < res.plain_bytes);
        AUTO_PTR(logfile_close_read) struct log_reader *after = reader(t, name);
        same_log(before, after);
        res = pack(t, name); /* once more changes nothing */
        assert_int_equal(exists(t, zst), !exists(t, name));
    }
    assert_int_equal(tmp_count(t->path), 24); /* no temporary file */
}

static void a_reader_goes_on(void **state)
{
    struct tmp *t = *state;
    struct log_frame f;
    random_log(t, "l", 100);
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    AUTO_PTR(logfile_close_read) struct log_reader *whole = reader(t, "l");
    assert_int_equal(logfile_read(r, LOG_START, &f, NULL), 1);
    uint64_t at = f.next;
    assert_true(pack(t, "l").zst_bytes > 0);
    for (; logfile_read(whole, at, &f, NULL) == 1; at = f.next)
        same_answer(whole, r, at);
    assert_int_equal(f.stream, LOG_EXIT);
}

static void what_stays_plain(void **state)
{
    struct tmp *t = *state;
    struct logzst_result res = {0};
    struct log_writer *w = NULL;
    char noise[9000];
    /* small */
    assert_int_equal(logfile_open_write(t->fd, "small", &w, NULL), 0);
    assert_int_equal(logfile_append(w, 1, 1, noise, 0, NULL), 0);
    logfile_close_write(w);
    assert_int_equal(pack(t, "small").zst_bytes, 0);
    /* does not become smaller */
    w = NULL;
    random_bytes(noise, sizeof noise);
    assert_int_equal(logfile_open_write(t->fd, "noise", &w, NULL), 0);
    assert_int_equal(logfile_append(w, 1, 1, noise, sizeof noise, NULL), 0);
    assert_int_equal(pack(t, "noise").zst_bytes, 0);
    assert_true(exists(t, "noise"));
    assert_false(exists(t, "noise.zst"));
    /* torn, damaged: a reader must say of it what it said before */
    logfile_close_write(w);
    random_log(t, "torn", 50);
    int fd = openat(t->fd, "torn", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "\5\0\0\0\1", 5), 5);
    close(fd);
    assert_int_equal(logzst_pack(t->fd, "torn", NULL, NULL, &res, NULL), -ERR_CORRUPT);
    fd = openat(t->fd, "torn", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\377", 1, 30), 1);
    close(fd);
    assert_int_equal(logzst_pack(t->fd, "torn", NULL, NULL, &res, NULL), -ERR_CORRUPT);
    assert_int_equal(logzst_pack(t->fd, "none", NULL, NULL, &res, NULL), -ERR_NOT_FOUND);
    assert_int_equal(tmp_count(t->path), 3);
}

/* A log of some pieces, small enough to damage each of its bits. */
static void small_log(const struct tmp *t, const char *name)
{
    char b[300];
    struct log_writer *w = NULL;
    assert_int_equal(logfile_open_write(t->fd, name, &w, NULL), 0);
    memset(b, 'x', sizeof b);
    for (int i = 0; i < 20; i++)
        assert_int_equal(logfile_append(w, 1 + i % 3, i, b, sizeof b - (size_t)i, NULL), 0);
    char *big = calloc(1, LOG_PAYLOAD_MAX);
    for (int i = 0; i < 2; i++)
        assert_int_equal(logfile_append(w, 1, i, big, LOG_PAYLOAD_MAX, NULL), 0);
    free(big);
    assert_int_equal(logfile_append(w, LOG_EXIT, 1, "e", 1, NULL), 0);
    logfile_close_write(w);
}

/* Every frame that a reader of the damaged file gives is the one of the whole log. */
static void only_truth(struct log_reader *whole, const struct tmp *t, const char *name, bool *ret_all)
{
    struct log_frame f, g;
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    struct err e = ERR_INIT;
    int c = logfile_open_read(t->fd, name, &r, &e), n;
    uint64_t at = LOG_START;
    *ret_all = false;
    if (c < 0) {
        assert_int_equal(c, -ERR_CORRUPT);
        assert_true(strstr(e.msg, "damaged") || strstr(e.msg, "not a log"));
        return;
    }
    for (; (n = logfile_read(whole, at, &f, NULL)) == 1; at = f.next) {
        c = logfile_read(r, at, &g, NULL);
        if (c < 0) {
            assert_int_equal(c, -ERR_CORRUPT);
            continue; /* the others may be whole */
        }
        assert_int_equal(c, 1);
        assert_int_equal(g.n, f.n);
        assert_int_equal(g.stream, f.stream);
        assert_int_equal(g.time_us, f.time_us);
        assert_memory_equal(g.p, f.p, f.n);
        *ret_all = f.stream == LOG_EXIT;
    }
}

static void every_bit_damaged(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    bool all;
    small_log(t, "l");
    AUTO_PTR(logfile_close_read) struct log_reader *whole = reader(t, "l");
    assert_true(pack(t, "l").zst_bytes > 0);
    assert_int_equal(file_read(t->fd, "l.zst", &b, NULL), 0);
    assert_true(b.len < 4000);
    for (size_t i = 0; i < b.len * 8; i++) {
        b.p[i / 8] = (char)(b.p[i / 8] ^ (1 << i % 8));
        int fd = openat(t->fd, "d.zst", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(fd_write_full(fd, b.p, b.len, NULL), 0);
        close(fd);
        only_truth(whole, t, "d", &all);
        b.p[i / 8] = (char)(b.p[i / 8] ^ (1 << i % 8));
    }
    for (size_t cut = 0; cut < b.len; cut++) { /* and cut off anywhere */
        int fd = openat(t->fd, "c.zst", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(fd_write_full(fd, b.p, cut, NULL), 0);
        close(fd);
        struct log_reader *r = NULL;
        assert_int_equal(logfile_open_read(t->fd, "c", &r, NULL), -ERR_CORRUPT);
    }
    buf_addc(&b, 0);
    assert_int_equal(file_replace(t->fd, "longer.zst", b.p, b.len, 0600, NULL), 0);
    struct log_reader *r = NULL;
    assert_int_equal(logfile_open_read(t->fd, "longer", &r, NULL), -ERR_CORRUPT);
}

/* Both forms stand after a kill: the same content, and the next call removes the plain one. One that is not whole is
 * made again. */
static void both_stand(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB), z = BUF_INIT(64 * MIB), again = BUF_INIT(64 * MIB);
    random_log(t, "l", 60);
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    int64_t n = pack(t, "l").zst_bytes;
    assert_int_equal(file_read(t->fd, "l.zst", &z, NULL), 0);
    assert_int_equal(z.len, n);
    assert_int_equal(file_replace(t->fd, "l", b.p, b.len, 0600, NULL), 0);
    tmp_write(t, "l.zst.tmp", "half");
    assert_int_equal(pack(t, "l").zst_bytes, n);
    assert_false(exists(t, "l"));
    assert_false(exists(t, "l.zst.tmp"));
    assert_int_equal(file_replace(t->fd, "l", b.p, b.len, 0600, NULL), 0);
    z.p[z.len / 2] ^= 1;
    assert_int_equal(file_replace(t->fd, "l.zst", z.p, z.len, 0600, NULL), 0);
    z.p[z.len / 2] ^= 1;
    assert_int_equal(pack(t, "l").zst_bytes, n);
    assert_int_equal(file_read(t->fd, "l.zst", &again, NULL), 0);
    assert_int_equal(again.len, z.len);
    assert_memory_equal(again.p, z.p, z.len);
    assert_false(exists(t, "l"));
}

static void zstd_reads_it(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB), out = BUF_INIT(64 * MIB);
    char cmd[200];
    random_log(t, "l", 80);
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    assert_true(pack(t, "l").zst_bytes > 0);
    snprintf(cmd, sizeof cmd, "zstd -dqc %s/l.zst >%s/out 2>/dev/null", t->path, t->path);
    if (system("zstd --version >/dev/null 2>&1") != 0)
        skip();
    assert_int_equal(system(cmd), 0);
    assert_int_equal(file_read(t->fd, "out", &out, NULL), 0);
    assert_int_equal(out.len, b.len);
    assert_memory_equal(out.p, b.p, b.len);
}

static int stop_soon(void *arg, int64_t took_us)
{
    assert_true(took_us >= 0);
    return --*(int *)arg < 0 ? -ERR_INTERRUPTED : 0;
}

static void stopped_between_pieces(void **state)
{
    struct tmp *t = *state;
    struct logzst_result res = {0};
    int r = -1, calls;
    random_log(t, "l", 60);
    AUTO_PTR(logfile_close_read) struct log_reader *before = reader(t, "l");
    for (int n = 0; r < 0; n++) {
        calls = n;
        r = logzst_pack(t->fd, "l", stop_soon, &calls, &res, NULL);
        assert_true(r == 0 || r == -ERR_INTERRUPTED);
        assert_int_equal(tmp_count(t->path), 1); /* either form, and nothing else */
    }
    AUTO_PTR(logfile_close_read) struct log_reader *after = reader(t, "l");
    same_log(before, after);
}

/* Dies at each crash point; fails at each write, sync and allocation. */
static void killed_and_failed(void **state)
{
#ifdef SALLYPORT_FAULTS
    struct tmp *t = *state;
    static const char *const points[] = {"kill@log_packed:1", "kill@log_renamed:1"};
    struct logzst_result res = {0};
    random_log(t, "l", 40);
    AUTO_PTR(logfile_close_read) struct log_reader *before = reader(t, "l");
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            fault_arm(points[i]);
            _exit(logzst_pack(t->fd, "l", NULL, NULL, &res, NULL) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        AUTO_PTR(logfile_close_read) struct log_reader *now = reader(t, "l");
        same_log(before, now);
        assert_int_equal(exists(t, "l.zst"), i == 1);
    }
    fault_arm_nth("fsync", 1); /* both stand: the plain one goes only when the other's name is on disk */
    assert_int_equal(logzst_pack(t->fd, "l", NULL, NULL, &res, NULL), -ERR_IO);
    fault_arm("");
    assert_true(exists(t, "l"));
    unlinkat(t->fd, "l.zst", 0);
    static const char *const calls[] = {"pack_write", "fsync", "read", "alloc"};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        for (int n = 1; exists(t, "l"); n++) {
            fault_arm_nth(calls[i], n);
            int r = logzst_pack(t->fd, "l", NULL, NULL, &res, NULL);
            bool fired = fault_fired();
            fault_arm("");
            assert_int_equal(r == 0, !fired);
            AUTO_PTR(logfile_close_read) struct log_reader *now = reader(t, "l");
            same_log(before, now);
            assert_false(exists(t, "l.zst.tmp"));
            if (!fired)
                break;
        }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TMP_TEST(random_logs_read_the_same), TMP_TEST(a_reader_goes_on),  TMP_TEST(what_stays_plain),
        TMP_TEST(every_bit_damaged),         TMP_TEST(both_stand),        TMP_TEST(zstd_reads_it),
        TMP_TEST(stopped_between_pieces),    TMP_TEST(killed_and_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
