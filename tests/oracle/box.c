/* box - runs one program inside a sandbox of the native driver and prints what it prints.
 *
 *   box FOLDER PROGRAM ARG…      FOLDER is shown inside, read-only, at the same path; SALLYPORT_SHIM names the shim
 *
 * Why it exists: the oracle wants the sandbox that runs have, not one that is like it. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "sandbox/sandbox.h"

static int print_log(const char *run, struct err *e)
{
    char path[256];
    struct log_frame f;
    AUTO_PTR(logfile_close_read) struct log_reader *log = NULL;

    snprintf(path, sizeof(path), "%s/logs/0.1.log", run);
    int r = logfile_open_read(AT_FDCWD, path, &log, e);
    for (uint64_t at = LOG_START; r >= 0 && (r = logfile_read(log, at, &f, e)) == 1; at = f.next) {
        if (f.stream != LOG_EXIT)
            fwrite(f.p, 1, f.n, f.stream == LOG_STDOUT ? stdout : stderr);
    }
    return r < 0 ? r : 0;
}

/* Exit code of the step, or a negative code. */
static int run_step(struct sandbox *sb, const char *const *argv, struct err *e)
{
    static const char *const none[] = {NULL};
    const char *want_stderr[] = {getenv("ORACLE_STDERR") ? "ORACLE_STDERR=1" : NULL, NULL};
    struct step_spec step = {.step_id = id_new(ID_STEP),
                             .attempt = 1,
                             .argv = argv,
                             .cwd = "",
                             .env = want_stderr,
                             .lower = none,
                             .layer = "0.1"};
    struct step_exit x;
    enum sandbox_event ev = SB_GREW;

    int r = sandbox_exec(sb, &step, e);
    while (r == 0 && (ev == SB_GREW || ev == SB_TIMEOUT))
        r = sandbox_wait(sb, 60000, -1, &ev, &x, e);
    if (r == 0 && (ev != SB_EXIT || x.error[0]))
        r = err_set(e, ERR_SANDBOX_FAILED, "the step did not run: %s", ev == SB_EXIT ? x.error : "the shim is gone");
    return r < 0 ? r : x.exit_code < 0 ? 128 + x.signal : x.exit_code;
}

static int run(const char *base, const char *folder, const char *const *argv, struct err *e)
{
    char project[128], dir[128];
    struct sandbox *sb = NULL;
    snprintf(project, sizeof(project), "%s/project", base);
    snprintf(dir, sizeof(dir), "%s/run", base);
    if (mkdir(project, 0755) < 0 || mkdir(dir, 0700) < 0)
        return err_sys(e, ERR_INTERNAL, "mkdir");
    struct sandbox_spec spec = {.run_id = id_new(ID_RUN),
                                .tenant = "test",
                                .project_root = project,
                                .dir = dir,
                                .ro_binds = &folder,
                                .nro_binds = 1,
                                .limits = {.pids = 80,
                                           .memory_bytes = 512 * (int64_t)MIB,
                                           .disk_bytes = 64 * (int64_t)MIB,
                                           .output_bytes = 1024 * (int64_t)MIB}};
    int r = sandbox_open(&spec, &sb, e), code = -1;
    if (r == 0)
        code = r = run_step(sb, argv, e);
    if (sb)
        sandbox_destroy(sb);
    if (r >= 0)
        r = print_log(dir, e);
    return r < 0 ? r : code;
}

int main(int argc, char **argv)
{
    char base[64] = "/var/tmp/sallyport-oracle-XXXXXX";
    struct err e = ERR_INIT, ignored = ERR_INIT;

    if (argc < 3 || !mkdtemp(base))
        return 2;
    int r = run(base, argv[1], (const char *const *)argv + 2, &e);
    if (r < 0)
        fprintf(stderr, "box: %s\n", e.msg);
    if (dir_remove(AT_FDCWD, base, &ignored) < 0)
        fprintf(stderr, "box: %s\n", ignored.msg);
    return r < 0 ? 125 : r;
}
