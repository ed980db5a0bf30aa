/* logfile: the format byte by byte, tails cut at every place, every byte damaged, a reader beside a writer. */
#include "tmp.h"
#include "base/fault.h"
#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct log_writer *writer(const struct tmp *t, const char *name)
{
    struct log_writer *w = NULL;
    struct err e = ERR_INIT;
    if (logfile_open_write(t->fd, name, &w, &e) < 0)
        fail_msg("%s", e.msg);
    return w;
}

static struct log_reader *reader(const struct tmp *t, const char *name)
{
    struct log_reader *r = NULL;
    assert_int_equal(logfile_open_read(t->fd, name, &r, NULL), 0);
    return r;
}

static void add(struct log_writer *w, int stream, const char *text)
{
    assert_int_equal(logfile_append(w, stream, 1000 + stream, text, strlen(text), NULL), 0);
}

static const char *const lines[] = {"hello\n", "", "a longer line of output that goes on for a while\n", "x", "bye\n"};

static void five_frames(const struct tmp *t, const char *name)
{
    struct log_writer *w = writer(t, name);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        add(w, 1 + (int)i % 3, lines[i]);
    logfile_close_write(w);
}

static void format_on_disk(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    struct log_writer *w = writer(t, "l");
    assert_int_equal(logfile_size(w), LOG_START);
    assert_int_equal(logfile_append(w, LOG_STDERR, 0x0102030405060708, "abc", 3, NULL), 0);
    assert_int_equal(logfile_size(w), 8 + 16 + 3 + 4);
    assert_true(fcntl(logfile_fd(w), F_GETFD) & FD_CLOEXEC);
    logfile_close_write(w);
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    assert_int_equal(b.len, 31);
    assert_memory_equal(b.p,
                        "SPLOG\0\0\1\3\0\0\0\2\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01"
                        "abc",
                        27);
    assert_string_equal(log_stream_name(LOG_STDOUT), "stdout");
    assert_string_equal(log_stream_name(LOG_STDERR), "stderr");
    assert_string_equal(log_stream_name(LOG_SYSTEM), "system");
    assert_null(log_stream_name(LOG_EXIT));
    assert_null(log_stream_name(0));
    assert_null(log_stream_name(-1));
}

static void reads_back(void **state)
{
    struct tmp *t = *state;
    struct log_frame f;
    uint64_t at = LOG_START;
    five_frames(t, "l");
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(logfile_read(r, at, &f, NULL), 1);
        assert_int_equal(f.offset, at);
        assert_int_equal(f.stream, 1 + i % 3);
        assert_int_equal(f.time_us, 1000 + f.stream);
        assert_int_equal(f.n, strlen(lines[i]));
        assert_memory_equal(f.p, lines[i], f.n);
        at = f.next;
    }
    assert_int_equal(logfile_read(r, at, &f, NULL), 0);
    assert_int_equal(logfile_read(r, at + 1, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, UINT64_MAX, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, INT64_MAX, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, INT64_MAX - 1, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, 0, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, LOG_START - 1, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read(r, LOG_START + 1, &f, NULL), -ERR_CORRUPT);
    assert_int_equal(logfile_read(r, LOG_START, &f, NULL), 1); /* going back is allowed */
    assert_memory_equal(f.p, "hello\n", 6);
}

static void payload_is_bounded(void **state)
{
    struct tmp *t = *state;
    struct log_frame f;
    char *big = calloc(1, LOG_PAYLOAD_MAX + 1);
    struct log_writer *w = writer(t, "l");
    assert_int_equal(logfile_append(w, 1, 1, big, LOG_PAYLOAD_MAX + 1, NULL), -ERR_INVALID);
    assert_int_equal(logfile_append(w, 0, 1, big, 1, NULL), -ERR_INVALID);
    assert_int_equal(logfile_append(w, 5, 1, big, 1, NULL), -ERR_INVALID);
    uint64_t at = LOG_START;
    for (int i = 0; i < 5; i++) {
        memset(big, 'a' + i, LOG_PAYLOAD_MAX);
        assert_int_equal(logfile_append(w, 1, i, big, LOG_PAYLOAD_MAX - (size_t)i, NULL), 0);
    }
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    for (int i = 0; i < 5; i++, at = f.next) {
        assert_int_equal(logfile_read(r, at, &f, NULL), 1);
        assert_int_equal(f.n, LOG_PAYLOAD_MAX - i);
        assert_int_equal(f.p[f.n - 1], 'a' + i);
    }
    logfile_close_write(w);
    free(big);
}

static void one_writer(void **state)
{
    struct tmp *t = *state;
    struct err e = ERR_INIT;
    struct log_writer *w = writer(t, "l"), *second = NULL;
    assert_int_equal(logfile_open_write(t->fd, "l", &second, &e), -ERR_BUSY);
    assert_null(second);
    assert_int_equal(logfile_locked(t->fd, "l", &e), 1);
    assert_int_equal(logfile_locked(t->fd, "no", &e), -ERR_NOT_FOUND);
    logfile_close_write(w);
    assert_int_equal(logfile_locked(t->fd, "l", &e), 0);
    w = writer(t, "l");
    logfile_close_write(w);
    logfile_close_write(NULL);
    logfile_close_read(NULL);
    struct log_reader *r = NULL;
    assert_int_equal(logfile_open_read(t->fd, "no", &r, &e), -ERR_NOT_FOUND);
    assert_int_equal(symlinkat("l", t->fd, "link"), 0);
    assert_int_equal(logfile_open_read(t->fd, "link", &r, &e), -ERR_IO);
    assert_int_equal(logfile_open_write(t->fd, "link", &w, &e), -ERR_IO);
}

static void exit_record_is_last(void **state)
{
    struct tmp *t = *state;
    struct log_writer *w = writer(t, "l");
    add(w, LOG_STDOUT, "x");
    add(w, LOG_EXIT, "{}");
    assert_int_equal(logfile_append(w, LOG_STDOUT, 1, "y", 1, NULL), -ERR_STATE);
    logfile_close_write(w);
    w = writer(t, "l");
    assert_int_equal(logfile_append(w, LOG_EXIT, 1, "y", 1, NULL), -ERR_STATE);
    logfile_close_write(w);
}

/* Whole frames of a file that was damaged: each must be one of the original ones, in order. Returns how many. */
static size_t count_frames(const struct tmp *t, const char *name, int *ret_end)
{
    struct log_reader *r = NULL;
    struct log_frame f;
    uint64_t at = LOG_START;
    size_t n = 0;
    int c = logfile_open_read(t->fd, name, &r, NULL);
    for (; c >= 0 && (c = logfile_read(r, at, &f, NULL)) == 1; at = f.next, n++) {
        assert_true(n < ARRAY_LEN(lines));
        assert_int_equal(f.n, strlen(lines[n]));
        assert_memory_equal(f.p, lines[n], f.n);
    }
    logfile_close_read(r);
    *ret_end = c;
    return n;
}

static void write_bytes(const struct tmp *t, const char *name, const void *p, size_t n)
{
    assert_int_equal(file_replace(t->fd, name, p, n, 0600, NULL), 0);
}

/* A crash may leave any prefix. */
static void torn_at_every_byte(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    five_frames(t, "l");
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    size_t ends[6] = {LOG_START};
    for (size_t i = 0; i < 5; i++)
        ends[i + 1] = ends[i] + 20 + strlen(lines[i]);
    assert_int_equal(ends[5], b.len);
    for (size_t cut = 0; cut <= b.len; cut++) {
        size_t whole = 0;
        int end;
        while (whole < 5 && ends[whole + 1] <= cut)
            whole++;
        write_bytes(t, "torn", b.p, cut);
        assert_int_equal(count_frames(t, "torn", &end), whole);
        assert_int_equal(end, 0);
        struct log_writer *w = writer(t, "torn");
        assert_int_equal(logfile_size(w), ends[whole]);
        if (whole < 5)
            add(w, LOG_STDOUT, lines[whole]);
        logfile_close_write(w);
        assert_int_equal(count_frames(t, "torn", &end), whole < 5 ? whole + 1 : 5);
        assert_int_equal(end, 0);
    }
}

/* Power loss may leave zeros, or a length without its data. */
static void zeros_are_a_torn_tail(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(10000);
    int end;
    five_frames(t, "l");
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    size_t whole = b.len;
    for (int i = 0; i < 4096; i++)
        buf_addc(&b, 0);
    write_bytes(t, "z", b.p, b.len);
    assert_int_equal(count_frames(t, "z", &end), 5);
    assert_int_equal(end, -ERR_CORRUPT);
    struct log_writer *w = writer(t, "z");
    assert_int_equal(logfile_size(w), whole);
    logfile_close_write(w);
    assert_int_equal(count_frames(t, "z", &end), 5);
    assert_int_equal(end, 0);
}

/* One flipped bit anywhere: no wrong frame is ever read, and damage in the middle is not cut away with what follows. */
static void every_byte_damaged(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    five_frames(t, "l");
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    size_t last = b.len - 20 - strlen(lines[4]);
    for (size_t i = 0; i < b.len * 8; i++) {
        int end;
        struct log_writer *w = NULL;
        b.p[i / 8] = (char)(b.p[i / 8] ^ (1 << i % 8));
        write_bytes(t, "d", b.p, b.len);
        size_t n = count_frames(t, "d", &end);
        assert_true(n < 5);
        int r = logfile_open_write(t->fd, "d", &w, NULL);
        if (i / 8 >= last) {
            assert_int_equal(n, 4);
            assert_int_equal(r, 0);
            assert_int_equal(logfile_size(w), last);
            logfile_close_write(w);
        } else {
            AUTO(buf_fini) struct buf now = BUF_INIT(1000);
            assert_int_equal(r, -ERR_CORRUPT);
            assert_int_equal(file_read(t->fd, "d", &now, NULL), 0);
            assert_int_equal(now.len, b.len);
            assert_memory_equal(now.p, b.p, b.len);
        }
        b.p[i / 8] = (char)(b.p[i / 8] ^ (1 << i % 8));
    }
}

/* Somebody asks from the middle of a frame: that is his mistake, and no damage. Where a frame is damaged, it is. */
static void an_offset_that_is_made_up_is_no_damage(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    struct log_frame f;
    uint64_t at = LOG_START, third = LOG_START + 2 * (16 + 4) + strlen(lines[0]) + strlen(lines[1]);
    five_frames(t, "l");
    assert_int_equal(file_read(t->fd, "l", &b, NULL), 0);
    {
        AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
        for (uint64_t asked = 0; asked <= b.len; asked++) {
            int c = logfile_read_named(r, asked, &f, NULL);
            assert_int_equal(c, asked != at ? -ERR_CURSOR : asked < b.len ? 1 : 0);
            if (c == 1)
                at = f.next;
        }
        assert_int_equal(logfile_read_named(r, b.len + 1, &f, NULL), -ERR_CURSOR);
    }
    b.p[third + 20] ^= 1;
    write_bytes(t, "d", b.p, b.len);
    AUTO_PTR(logfile_close_read) struct log_reader *d = reader(t, "d");
    assert_int_equal(logfile_read_named(d, third - 1, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read_named(d, third, &f, NULL), -ERR_CORRUPT);
    assert_int_equal(logfile_read_named(d, third + 1, &f, NULL), -ERR_CORRUPT); /* what leads there is damaged */
}

/* The bytes there look like the beginning of a frame, and nothing follows that could end it. */
static void an_offset_into_what_looks_like_a_frame(void **state)
{
    static const char head[16] = {100, 0, 0, 0, LOG_STDOUT};
    struct tmp *t = *state;
    struct log_frame f;
    struct log_writer *w = writer(t, "l");
    assert_int_equal(logfile_append(w, LOG_STDOUT, 1, head, sizeof head, NULL), 0);
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    assert_int_equal(logfile_read(r, LOG_START + 16, &f, NULL), 0);
    assert_int_equal(logfile_read_named(r, LOG_START + 16, &f, NULL), -ERR_CURSOR);
    assert_int_equal(logfile_read_named(r, logfile_size(w), &f, NULL), 0);
    assert_int_equal(write(logfile_fd(w), head, sizeof head), sizeof head); /* a frame that is being written */
    assert_int_equal(logfile_read_named(r, logfile_size(w), &f, NULL), 0);
    logfile_close_write(w);
}

/* Fields that must be zero today are refused even under a right checksum: a later format may use them. */
static void unknown_fields_are_refused(void **state)
{
    struct tmp *t = *state;
    for (int field = 5; field < 8; field++) {
        char file[8 + 20] = "SPLOG\0\0\1";
        struct log_reader *r = NULL;
        struct log_frame f;
        file[8 + 4] = LOG_STDOUT;
        for (int bad = 0; bad < 2; bad++) {
            file[8 + field] = (char)bad;
            uint32_t crc = crc32c(0, file + 8, 16); /* little endian here, as in the file */
            memcpy(file + 24, &crc, 4);
            write_bytes(t, "u", file, sizeof file);
            r = reader(t, "u");
            assert_int_equal(logfile_read(r, LOG_START, &f, NULL), bad ? -ERR_CORRUPT : 1);
            logfile_close_read(r);
        }
    }
}

/* A reader that saw a torn frame sees the frame that replaces it. */
static void reader_survives_a_cut(void **state)
{
    struct tmp *t = *state;
    struct log_frame f;
    five_frames(t, "l");
    int fd = openat(t->fd, "l", O_WRONLY | O_APPEND | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END);
    assert_int_equal(write(fd, "\5\0\0\0\1\0\0\0timestmpWRONG", 21), 21);
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    assert_int_equal(logfile_read(r, LOG_START, &f, NULL), 1); /* the window holds it all now */
    assert_int_equal(logfile_read(r, (uint64_t)end, &f, NULL), 0);
    struct log_writer *w = writer(t, "l");
    add(w, LOG_STDOUT, "right");
    add(w, LOG_STDOUT, "more");
    assert_int_equal(logfile_read(r, (uint64_t)end, &f, NULL), 1);
    assert_memory_equal(f.p, "right", 5);
    assert_int_equal(logfile_read(r, f.next, &f, NULL), 1);
    assert_memory_equal(f.p, "more", 4);
    logfile_close_write(w);
    close(fd);
}

/* A writer that begins after the reader; then killed in mid-stream, and taken over. */
static void reader_beside_writer(void **state)
{
    struct tmp *t = *state;
    struct log_frame f;
    int status;
    tmp_write(t, "l", "");
    pid_t pid = fork();
    if (pid == 0) {
        struct log_writer *w = NULL;
        char text[5000];
        if (logfile_open_write(t->fd, "l", &w, NULL) < 0)
            _exit(1);
        for (uint32_t i = 0;; i++) {
            memset(text, (int)(i & 0xff), sizeof text);
            memcpy(text, &i, sizeof i);
            if (logfile_append(w, 1 + (int)(i % 3), i, text, 4 + i * 7919 % 4900, NULL) < 0)
                _exit(2);
        }
    }
    AUTO_PTR(logfile_close_read) struct log_reader *r = reader(t, "l");
    uint64_t at = LOG_START;
    uint32_t i = 0;
    int64_t end = clock_mono_us() + 20 * SEC_US;
    while (i < 3000) {
        int c = logfile_read(r, at, &f, NULL);
        assert_true(c >= 0);
        assert_true(clock_mono_us() < end);
        if (c == 0)
            continue;
        uint32_t k;
        memcpy(&k, f.p, sizeof k);
        assert_int_equal(k, i);
        assert_int_equal(f.n, 4 + i * 7919 % 4900);
        assert_int_equal(f.time_us, i);
        at = f.next;
        i++;
    }
    assert_int_equal(logfile_locked(t->fd, "l", NULL), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(logfile_locked(t->fd, "l", NULL), 0);
    struct log_writer *w = writer(t, "l");
    add(w, LOG_EXIT, "lost");
    logfile_close_write(w);
    while (logfile_read(r, at, &f, NULL) == 1 && f.stream != LOG_EXIT)
        at = f.next;
    assert_memory_equal(f.p, "lost", 4);
}

/* The disk fills up in the middle of a frame: the part is cut off, and later appends go on. */
static void a_part_is_cut_off(void **state)
{
    struct tmp *t = *state;
    char chunk[3000] = {1};
    struct rlimit old, tight;
    struct log_frame f;
    struct log_writer *w = writer(t, "l");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 10000;
    sighandler_t was = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int r = 0, n = 0;
    while ((r = logfile_append(w, 1, n, chunk, sizeof chunk, NULL)) == 0)
        n++;
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, was);
    assert_int_equal(r, -ERR_STORAGE_FULL);
    assert_int_equal(n, 3);
    assert_int_equal(logfile_size(w), 8 + 3 * 3020);
    assert_int_equal(logfile_append(w, 2, 7, "after", 5, NULL), 0);
    logfile_close_write(w);
    AUTO_PTR(logfile_close_read) struct log_reader *rd = reader(t, "l");
    assert_int_equal(logfile_read(rd, 8 + 3 * 3020, &f, NULL), 1);
    assert_memory_equal(f.p, "after", 5);
}

static void failures_are_told(void **state)
{
#ifdef SALLYPORT_FAULTS
    struct tmp *t = *state;
    struct log_writer *w = writer(t, "l");
    fault_arm_nth("write", 1);
    assert_int_equal(logfile_append(w, 1, 1, "x", 1, NULL), -ERR_STORAGE_FULL);
    fault_arm("");
    add(w, 1, "x");
    logfile_close_write(w);
    for (int n = 1;; n++) {
        struct log_writer *again = NULL;
        fault_arm_nth("alloc", n);
        int r = logfile_open_write(t->fd, "l", &again, NULL);
        assert_int_equal(r, fault_fired() ? -ERR_OOM : 0);
        logfile_close_write(again);
        if (!fault_fired())
            break;
    }
    fault_arm_nth("read", 1);
    assert_int_equal(logfile_open_write(t->fd, "l", &w, NULL), -ERR_IO);
    fault_arm("");
#else
    skip();
#endif
}

static void not_a_log(void **state)
{
    struct tmp *t = *state;
    struct log_reader *r = NULL;
    struct log_writer *w = NULL;
    tmp_write(t, "text", "#!/bin/sh\necho hello\n");
    assert_int_equal(logfile_open_read(t->fd, "text", &r, NULL), -ERR_CORRUPT);
    assert_int_equal(logfile_open_write(t->fd, "text", &w, NULL), -ERR_CORRUPT);
    assert_null(r);
    assert_null(w);
    struct stat st;
    assert_int_equal(fstatat(t->fd, "text", &st, 0), 0);
    assert_int_equal(st.st_size, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TMP_TEST(format_on_disk),
        TMP_TEST(reads_back),
        TMP_TEST(an_offset_that_is_made_up_is_no_damage),
        TMP_TEST(an_offset_into_what_looks_like_a_frame),
        TMP_TEST(payload_is_bounded),
        TMP_TEST(one_writer),
        TMP_TEST(exit_record_is_last),
        TMP_TEST(torn_at_every_byte),
        TMP_TEST(zeros_are_a_torn_tail),
        TMP_TEST(every_byte_damaged),
        TMP_TEST(reader_survives_a_cut),
        TMP_TEST(unknown_fields_are_refused),
        TMP_TEST(reader_beside_writer),
        TMP_TEST(a_part_is_cut_off),
        TMP_TEST(failures_are_told),
        TMP_TEST(not_a_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
