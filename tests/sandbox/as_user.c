/* as_user - runs a test program as an ordinary user, when the suite runs as root.
 *
 * Why it exists: both modes of the sandbox are tested by one `meson test`.
 * Copies the program, the shim, and programs among the arguments to a place that user can reach (a build tree below
 * /root is not one), drops every group, id and capability, and runs it. Started by an ordinary user it just runs the
 * program. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY   65534
#define ARGS_MAX 8

static void die(const char *what)
{
    fprintf(stderr, "as_user: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void copy(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (in < 0 || out < 0 || fstat(in, &st) < 0 || fchmod(out, 0755) < 0)
        die(from);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        if (n <= 0)
            die(to);
        left -= n;
    }
    close(in);
    close(out);
}

static void drop_to_nobody(void)
{
    for (int c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
        prctl(PR_CAPBSET_DROP, c);
    if (chdir("/") < 0 || setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        die("drop");
}

int main(int argc, char **argv)
{
    static char copies[ARGS_MAX][128];
    char dir[] = "/var/tmp/sallyport-as-user-XXXXXX", shim[128];
    const char *env = getenv("SALLYPORT_SHIM");
    if (argc < 2 || argc > ARGS_MAX)
        return 2;
    if (geteuid() != 0) {
        execv(argv[1], argv + 1);
        die(argv[1]);
    }
    if (!env || !mkdtemp(dir) || chmod(dir, 0755) < 0)
        die("SALLYPORT_SHIM, temporary directory");
    snprintf(shim, sizeof(shim), "%s/sallyport-shim", dir);
    copy(env, shim);
    for (int i = 1; i < argc; i++) {
        if (!strchr(argv[i], '/') || access(argv[i], X_OK) < 0)
            continue;
        snprintf(copies[i], sizeof(copies[i]), "%s/%d", dir, i);
        copy(argv[i], copies[i]);
        argv[i] = copies[i];
    }
    pid_t pid = fork();
    if (pid == 0) {
        setenv("SALLYPORT_SHIM", shim, 1);
        setenv("HOME", dir, 1);
        drop_to_nobody();
        execv(argv[1], argv + 1);
        die(argv[1]);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        die("wait");
    for (int i = 1; i < argc; i++) {
        if (copies[i][0])
            unlink(copies[i]);
    }
    unlink(shim);
    rmdir(dir);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
