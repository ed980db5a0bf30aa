/* usock: long paths, modes, messages with fds, peers. */
#include "tmp.h"
#include "base/fault.h"
#include "os/file.h"
#include "os/proc.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void listens_and_connects(void **state)
{
    struct tmp *t = *state;
    struct err e = ERR_INIT;
    struct stat st;
    int n = tmp_fds();
    mode_t old = umask(0);
    AUTO(fd_close) int l = unix_listen(t->fd, "s", SOCK_STREAM, 0600, &e);
    umask(old);
    assert_true(l >= 0);
    assert_true(fcntl(l, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fstatat(t->fd, "s", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    old = umask(077);
    AUTO(fd_close) int wide = unix_listen(t->fd, "w", SOCK_STREAM, 0666, &e);
    umask(old);
    assert_int_equal(fstatat(t->fd, "w", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    AUTO(fd_close) int c = unix_connect(t->fd, "s", SOCK_STREAM, &e);
    assert_true(c >= 0);
    AUTO(fd_close) int s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    assert_true(s >= 0);
    uid_t uid = 12345;
    pid_t pid = 0;
    assert_int_equal(unix_peer(s, &uid, &pid, NULL), 0);
    assert_int_equal(uid, getuid());
    assert_int_equal(pid, getpid());
    assert_int_equal(unix_peer(t->fd, &uid, &pid, NULL), -ERR_IO);
    assert_int_equal(unix_listen(t->fd, "s", SOCK_STREAM, 0600, &e), -ERR_CONFLICT);
    assert_int_equal(unix_connect(t->fd, "no", SOCK_STREAM, &e), -ERR_NOT_FOUND);
    assert_int_equal(unix_connect(t->fd, "no/such", SOCK_STREAM, &e), -ERR_NOT_FOUND);
    fd_close(&l);
    assert_int_equal(unix_connect(t->fd, "s", SOCK_STREAM, &e), -ERR_UNREACHABLE);
    fd_close(&wide);
    fd_close(&c);
    fd_close(&s);
    assert_int_equal(tmp_fds(), n);
}

/* sun_path has 108 bytes. */
static void long_paths(void **state)
{
    struct tmp *t = *state;
    struct err e = ERR_INIT;
    char dir[200], path[400], name[120];
    int n = tmp_fds();
    memset(name, 'd', sizeof name);
    name[80] = '\0';
    snprintf(dir, sizeof dir, "%.80s/%.80s", name, name);
    assert_int_equal(dir_make(t->fd, dir, NULL, NULL), 0);
    snprintf(path, sizeof path, "%s/%s/sock", t->path, dir);
    assert_true(strlen(path) > 180);
    int l = unix_listen(AT_FDCWD, path, SOCK_SEQPACKET, 0600, &e);
    assert_true(l >= 0);
    snprintf(path, sizeof path, "%s/sock", dir);
    int c = unix_connect(t->fd, path, SOCK_SEQPACKET, &e);
    assert_true(c >= 0);
    close(c);
    close(l);
    name[80] = 'd';
    name[119] = '\0';
    assert_int_equal(unix_listen(t->fd, name, SOCK_STREAM, 0600, &e), -ERR_INVALID);
    assert_int_equal(tmp_fds(), n);
}

static void pair(int type, int ret[2])
{
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret), 0);
}

static void messages_keep_their_bounds(void **state)
{
    int p[2];
    char got[100];
    size_t nfds = 9;
    struct err e = ERR_INIT;
    pair(SOCK_SEQPACKET, p);
    assert_int_equal(unix_send(p[0], "one", 3, NULL, 0, &e), 0);
    assert_int_equal(unix_send(p[0], "three", 5, NULL, 0, &e), 0);
    assert_int_equal(unix_recv(p[1], got, sizeof got, NULL, 0, &nfds, &e), 3);
    assert_int_equal(nfds, 0);
    assert_int_equal(unix_recv(p[1], got, 2, NULL, 0, &nfds, &e), -ERR_TOO_LARGE);
    assert_int_equal(unix_send(p[0], "", 0, NULL, 0, &e), -ERR_INVALID);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    assert_int_equal(unix_recv(p[1], got, sizeof got, NULL, 0, &nfds, &e), -ERR_EMPTY);
    close(p[0]);
    assert_int_equal(unix_recv(p[1], got, sizeof got, NULL, 0, &nfds, &e), 0);
    assert_int_equal(unix_send(p[1], "x", 1, NULL, 0, &e), -ERR_IO); /* and no SIGPIPE */
    close(p[1]);
    /* A peer that dies without reading resets the connection: closed all the same. */
    pair(SOCK_STREAM, p);
    assert_int_equal(unix_send(p[1], "unread", 6, NULL, 0, &e), 0);
    close(p[0]);
    assert_int_equal(unix_recv(p[1], got, sizeof got, NULL, 0, &nfds, &e), 0);
    close(p[1]);
    assert_int_equal(unix_recv(-1, got, sizeof got, NULL, 0, &nfds, &e), -ERR_IO);
}

static void full_is_busy(void **state)
{
    int p[2], r;
    char chunk[4096] = {0};
    pair(SOCK_SEQPACKET, p);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    for (int i = 0; (r = unix_send(p[0], chunk, sizeof chunk, NULL, 0, NULL)) == 0; i++)
        assert_true(i < 100000);
    assert_int_equal(r, -ERR_BUSY);
    close(p[0]);
    close(p[1]);
}

static void fds_travel(void **state)
{
    int p[2], ends[2], got[8] = {-1}, before = tmp_fds();
    char text[10];
    size_t nfds = 0;
    pair(SOCK_SEQPACKET, p);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(unix_send(p[0], "m", 1, &ends[1], 1, NULL), 0);
    assert_int_equal(unix_recv(p[1], text, sizeof text, got, 8, &nfds, NULL), 1);
    assert_int_equal(nfds, 1);
    assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(got[0], "hi", 2), 2);
    assert_int_equal(read(ends[0], text, sizeof text), 2);
    close(got[0]);
    /* Eight are sent, two are wanted, none leaks. */
    int eight[9];
    for (int i = 0; i < 9; i++)
        eight[i] = ends[0];
    assert_int_equal(unix_send(p[0], "m", 1, eight, 8, NULL), 0);
    assert_int_equal(unix_recv(p[1], text, sizeof text, got, 2, &nfds, NULL), 1);
    assert_int_equal(nfds, 2);
    assert_int_equal(tmp_fds(), before + 6);
    close(got[0]);
    close(got[1]);
    /* With a packet that is too large they are closed as well. */
    assert_int_equal(unix_send(p[0], "0123456789a", 11, eight, 8, NULL), 0);
    assert_int_equal(unix_recv(p[1], text, sizeof text, got, 8, &nfds, NULL), -ERR_TOO_LARGE);
    assert_int_equal(unix_send(p[0], "m", 1, eight, 9, NULL), -ERR_INVALID);
    close(ends[0]);
    close(ends[1]);
    close(p[0]);
    close(p[1]);
    assert_int_equal(tmp_fds(), before);
}

/* A stream socket takes a large message in parts; the fd goes once. */
static void streams_take_all(void **state)
{
    int p[2], status, got[2];
    size_t n = 4 << 20, nfds, total = 0, fds = 0;
    pair(SOCK_STREAM, p);
    pid_t pid = fork();
    if (pid == 0) {
        char *big = calloc(1, n);
        close(p[1]);
        _exit(unix_send(p[0], big, n, &p[0], 1, NULL) == 0 ? 0 : 1);
    }
    close(p[0]);
    char *chunk = malloc(1 << 16);
    for (long k; (k = unix_recv(p[1], chunk, 1 << 16, got, 2, &nfds, NULL)) > 0; total += (size_t)k) {
        for (size_t i = 0; i < nfds; i++)
            close(got[i]);
        fds += nfds;
    }
    free(chunk);
    close(p[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(total, n);
    assert_int_equal(fds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TMP_TEST(listens_and_connects), TMP_TEST(long_paths),         cmocka_unit_test(messages_keep_their_bounds),
        cmocka_unit_test(full_is_busy), cmocka_unit_test(fds_travel), cmocka_unit_test(streams_take_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
