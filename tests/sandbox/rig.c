/* rig - see rig.h. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"

static const char *const none[] = {NULL};

static void must(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s: %s", err_info(-r)->name, e->msg);
}

void rig_init(struct rig *g)
{
    *g = (struct rig){.out = BUF_INIT(128 * MIB), .err = BUF_INIT(32 * MIB), .sys = BUF_INIT(MIB), .cwd = ""};
    snprintf(g->base, sizeof(g->base), "/var/tmp/sallyport-test-XXXXXX");
    assert_non_null(mkdtemp(g->base));
    snprintf(g->project, sizeof(g->project), "%s/project", g->base);
    snprintf(g->run, sizeof(g->run), "%s/run", g->base);
    assert_int_equal(mkdir(g->project, 0755), 0);
    assert_int_equal(mkdir(g->run, 0700), 0);
    g->spec = (struct sandbox_spec){.run_id = id_new(ID_RUN),
                                    .tenant = "test",
                                    .project_root = g->project,
                                    .dir = g->run,
                                    .limits = {.wall_ms = 20000}};
    g->env = g->lower = none;
    if (getenv("SALLYPORT_TEST_NURSERY")) {
        struct err e = ERR_INIT;
        must(sandbox_nursery_new(&g->spec.nursery, &e), &e);
    }
}

void rig_file(struct rig *g, const char *rel, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", g->project, rel);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void rig_open(struct rig *g)
{
    struct err e = ERR_INIT;
    must(sandbox_open(&g->spec, &g->sb, &e), &e);
}

static void start(struct rig *g, const char *command, const char *const *argv)
{
    struct err e = ERR_INIT;
    char layer[32];
    snprintf(layer, sizeof(layer), "%d.1", g->next);
    struct step_spec s = {.step_id = id_new(ID_STEP),
                          .index = g->next,
                          .attempt = 1,
                          .command = command,
                          .argv = argv,
                          .cwd = g->cwd,
                          .env = g->env,
                          .lower = g->lower,
                          .layer = layer,
                          .secrets = g->secrets,
                          .wall_ms = g->wall_ms,
                          .cols = g->cols,
                          .rows = g->rows};
    must(sandbox_exec(g->sb, &s, &e), &e);
    g->next++;
}

void rig_start(struct rig *g, const char *command)
{
    start(g, command, NULL);
}

void rig_read_log(struct rig *g, int index)
{
    struct err e = ERR_INIT;
    char path[512];
    struct log_frame f;
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    buf_reset(&g->out);
    buf_reset(&g->err);
    buf_reset(&g->sys);
    snprintf(path, sizeof(path), "%s/logs/%d.1.log", g->run, index);
    must(logfile_open_read(AT_FDCWD, path, &r, &e), &e);
    for (uint64_t at = LOG_START; logfile_read(r, at, &f, &e) == 1; at = f.next) {
        if (f.stream != LOG_EXIT)
            buf_add(f.stream == LOG_STDOUT ? &g->out : f.stream == LOG_STDERR ? &g->err : &g->sys, f.p, f.n);
    }
    buf_add(&g->out, "", 0);
}

enum sandbox_event rig_wait(struct rig *g, int ms)
{
    struct err e = ERR_INIT;
    enum sandbox_event ev = SB_GREW;
    int64_t until = clock_mono_us() + ms * MS_US;
    while (ev == SB_GREW || ev == SB_WOKEN) {
        int64_t left = (until - clock_mono_us()) / 1000;
        must(sandbox_wait(g->sb, left > 0 ? (int)left : 0, -1, &ev, &g->x, &e), &e);
    }
    rig_read_log(g, g->next - 1);
    return ev;
}

static void finish(struct rig *g)
{
    struct step_exit kept;
    struct err e = ERR_INIT;
    assert_int_equal(rig_wait(g, 60000), SB_EXIT);
    assert_int_equal(sandbox_result(g->run, g->next - 1, 1, &kept, &e), 1);
    assert_int_equal(kept.exit_code, g->x.exit_code);
    assert_int_equal(kept.signal, g->x.signal);
    assert_string_equal(kept.error, g->x.error);
    assert_true(kept.finished_us >= kept.started_us);
}

void rig_run(struct rig *g, const char *command)
{
    start(g, command, NULL);
    finish(g);
}

void rig_argv(struct rig *g, const char *const *argv)
{
    start(g, NULL, argv);
    finish(g);
}

static void assert_no_cgroups(const struct buf *names)
{
    char copy[4096];
    snprintf(copy, sizeof(copy), "%s", names->len ? names->p : "");
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (*line && access(line, F_OK) == 0)
            fail_msg("left behind: %s", line);
    }
}

void rig_close(struct rig *g)
{
    char path[512];
    AUTO(buf_fini) struct buf names = BUF_INIT(4096);
    if (!g->sb)
        return;
    snprintf(path, sizeof(path), "%s/shim/cgroups", g->run);
    (void)!file_read(AT_FDCWD, path, &names, NULL);
    sandbox_destroy(TAKE(g->sb));
    assert_int_equal(sandbox_alive(g->run, NULL), 0);
    assert_no_cgroups(&names);
    snprintf(path, sizeof(path), "%s/shim/ctl", g->run);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(rig_process_with(g->spec.run_id.s)); /* the shim's own argument, and init's */
}

void rig_fini(struct rig *g)
{
    struct err e = ERR_INIT;
    rig_close(g);
    sandbox_nursery_free(g->spec.nursery);
    buf_fini(&g->out);
    buf_fini(&g->err);
    buf_fini(&g->sys);
    must(dir_remove(AT_FDCWD, g->base, &e), &e);
}

bool rig_process_with(const char *word)
{
    bool found = false;
    DIR *d = opendir("/proc");
    assert_non_null(d);
    for (struct dirent *de; (de = readdir(d)) && !found;) {
        char path[300], b[4096];
        if (de->d_name[0] < '1' || de->d_name[0] > '9' || atoi(de->d_name) == getpid())
            continue;
        snprintf(path, sizeof(path), "/proc/%s/cmdline", de->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, b, sizeof(b));
        found = n > 0 && memmem(b, (size_t)n, word, strlen(word));
        if (fd >= 0)
            close(fd);
    }
    closedir(d);
    return found;
}

bool rig_has(const struct buf *b, const char *text)
{
    return b->len && memmem(b->p, b->len, text, strlen(text));
}

int rig_slowness(void)
{
    const char *s = getenv("TEST_SLOW");
    int n = s ? atoi(s) : 1;
    return n > 0 && n <= 20 ? n : 1;
}

/* statvfs(3) of a directory with a project quota speaks of the quota. */
bool rig_hard_disk(const struct rig *g)
{
    char path[512];
    struct statvfs v;
    snprintf(path, sizeof(path), "%s/layers", g->run);
    assert_int_equal(statvfs(path, &v), 0);
    return (int64_t)v.f_blocks * (int64_t)v.f_frsize <= g->spec.limits.disk_bytes;
}
