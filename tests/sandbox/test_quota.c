/* The disk limit kept by the file system: project quotas. Skipped where /var/tmp has none (tools/check-vm has), and for
 * ordinary users. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/file.h"
#include "rig.h"
#include "sandbox/native/native.h"

#define LIMIT (16 * (int64_t)MIB)

static uint32_t id_of(const char *run)
{
    char path[512];
    struct fsxattr x;
    snprintf(path, sizeof(path), "%s/layers", run);
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, FS_IOC_FSGETXATTR, &x), 0);
    return x.fsx_projid;
}

static struct fs_disk_quota quota_of(uint32_t id)
{
    struct fs_disk_quota q = {0};
    AUTO(fd_close) int fd = open("/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)syscall(SYS_quotactl_fd, fd, QCMD(Q_XGETQUOTA, PRJQUOTA), id, &q);
    return q;
}

static void begin(struct rig *g)
{
    rig_init(g);
    g->spec.limits.disk_bytes = LIMIT;
    if (native_quota_on(g->run))
        return;
    rig_fini(g);
    skip();
}

static void assert_full(const struct rig *g)
{
    assert_non_null(strstr(g->x.error, "layers reached the limit"));
    assert_true(rig_has(&g->sys, "disk limit reached"));
}

static void test_bytes(void **state)
{
    (void)state;
    struct rig g;
    struct err e = ERR_INIT;
    begin(&g);
    rig_open(&g);
    rig_run(&g, "i=0; while dd if=/dev/zero of=f$i bs=100k count=10 status=none; do i=$((i+1)); done; exit 5");
    assert_int_equal(g.x.exit_code, 5);
    assert_true(rig_has(&g.err, "quota exceeded") || rig_has(&g.err, "No space left"));
    assert_full(&g);
    int64_t used = (int64_t)quota_of(id_of(g.run)).d_bcount * 512;
    print_message("limit %lld, on disk %lld\n", (long long)LIMIT, (long long)used);
    assert_true(used <= LIMIT && used > LIMIT - (int64_t)MIB);
    const char *const none[] = {NULL};
    struct step_spec s = {.command = "true", .cwd = "", .env = none, .lower = none, .layer = "next", .index = 9};
    assert_int_equal(sandbox_exec(g.sb, &s, &e), -ERR_DISK_EXCEEDED); /* no room for another layer */
    rig_fini(&g);
}

static void test_names(void **state)
{
    (void)state;
    struct rig g;
    begin(&g);
    rig_open(&g);
    rig_run(&g, "i=0; while true >e$i; do i=$((i+1)); done; echo $i; exit 4");
    assert_int_equal(g.x.exit_code, 4);
    assert_full(&g);
    long n = strtol(g.out.p, NULL, 10);
    print_message("limit %lld, %ld empty files\n", (long long)LIMIT, n);
    assert_true(n > 4000 && n < LIMIT / 4096);
    rig_fini(&g);
}

/* Files without a name count as well; and who makes room goes on. */
static void test_going_on(void **state)
{
    (void)state;
    struct rig g;
    begin(&g);
    rig_open(&g);
    rig_run(&g, "exec 3>f 4>g; rm f g; head -c 12000000 /dev/zero >&3 && head -c 12000000 /dev/zero >&4 || full=1; "
                "sleep 1; echo full=$full");
    assert_int_equal(g.x.exit_code, 0);
    assert_true(rig_has(&g.out, "full=1"));
    assert_string_equal(g.x.error, "");
    assert_true(rig_has(&g.sys, "disk limit reached"));
    rig_run(&g, "head -c 6000000 /dev/zero >f");
    assert_int_equal(g.x.exit_code, 0);
    rig_fini(&g);
}

static void test_removed(void **state)
{
    (void)state;
    struct rig g;
    begin(&g);
    rig_open(&g);
    rig_run(&g, "echo x >f");
    uint32_t id = id_of(g.run);
    assert_int_equal(quota_of(id).d_blk_hardlimit, LIMIT / 512);
    assert_int_equal(quota_of(id).d_ino_hardlimit, LIMIT / 4096);
    rig_close(&g);
    assert_int_equal(quota_of(id).d_blk_hardlimit, 0);
    assert_int_equal(quota_of(id).d_ino_hardlimit, 0);
    assert_true(quota_of(id).d_icount > 1); /* the layers are there still */
    rig_fini(&g);
    assert_int_equal(quota_of(id).d_icount, 0);
}

/* kill -9 of the shim while nobody is there to see it: what reconcile does removes the limit. */
static void test_killed(void **state)
{
    (void)state;
    struct rig g;
    struct err e = ERR_INIT;
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    char path[512];
    begin(&g);
    rig_open(&g);
    rig_start(&g, "sleep 30");
    uint32_t id = id_of(g.run);
    snprintf(path, sizeof(path), "%s/shim/pid", g.run);
    assert_int_equal(file_read(AT_FDCWD, path, &b, &e), 0);
    assert_int_equal(kill((pid_t)strtol(b.p, NULL, 10), SIGKILL), 0);
    assert_int_equal(rig_wait(&g, 10000), SB_GONE);
    sandbox_detach(g.sb);
    g.sb = NULL;
    assert_int_equal(quota_of(id).d_blk_hardlimit, LIMIT / 512);
    assert_int_equal(sandbox_reap(g.run, &e), 0);
    assert_int_equal(quota_of(id).d_blk_hardlimit, 0);
    rig_fini(&g);
}

static void test_copy(void **state)
{
    (void)state;
    struct rig g;
    struct err e = ERR_INIT;
    char cmd[600];
    int64_t bytes = 0;
    begin(&g);
    snprintf(cmd, sizeof(cmd), "head -c 8000000 /dev/zero >%s/big", g.project);
    assert_int_equal(system(cmd), 0);
    g.spec.copy = true;
    assert_int_equal(sandbox_copy(&g.spec, 0, NULL, NULL, &bytes, &e), 0);
    assert_true(bytes >= 8000000);
    g.spec.limits.disk_bytes = bytes + (int64_t)MIB;
    rig_open(&g);
    rig_run(&g, "head -c 900000 /dev/zero >small");
    assert_int_equal(g.x.exit_code, 0);
    rig_run(&g, "head -c 900000 /dev/zero >more");
    assert_int_equal(g.x.exit_code, 1);
    assert_full(&g);
    assert_true((int64_t)quota_of(id_of(g.run)).d_bcount * 512 <= g.spec.limits.disk_bytes);
    rig_fini(&g);
}

/* The same id twice: the second run gets another. What has content, or an id of somebody else's, is left alone. */
static void test_ids(void **state)
{
    (void)state;
    struct rig a, b;
    char path[512];
    begin(&a);
    begin(&b);
    assert_true(native_quota_limit(a.run, "run_same", LIMIT));
    assert_true(native_quota_limit(b.run, "run_same", LIMIT));
    uint32_t id = id_of(a.run);
    assert_true(id != id_of(b.run));
    assert_true(native_quota_limit(a.run, "run_same", LIMIT)); /* again: its own */
    assert_int_equal(id_of(a.run), id);
    AUTO(fd_close) int run = open(a.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd_close) int shim = -1;
    assert_int_equal(dir_make(run, "shim", &shim, NULL), 0);
    native_quota_remove(shim);
    assert_int_equal(quota_of(id).d_blk_hardlimit, 0);
    assert_int_equal(quota_of(id_of(b.run)).d_blk_hardlimit, LIMIT / 512);
    snprintf(path, sizeof(path), "%s/layers", a.project);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/layers/x", a.project);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_false(native_quota_limit(a.project, "run_other", LIMIT));
    assert_int_equal(id_of(a.project), 0);
    rig_fini(&a);
    AUTO(fd_close) int run_b = open(b.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd_close) int shim_b = -1;
    assert_int_equal(dir_make(run_b, "shim", &shim_b, NULL), 0);
    native_quota_remove(shim_b);
    rig_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_names),  cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_removed), cmocka_unit_test(test_killed), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
