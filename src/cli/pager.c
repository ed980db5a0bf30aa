/* pager - diffs and reports, a screen at a time. Declared in ui.h.
 *
 * May include: base/ os/ cli/ui.h.   Threads: one. */
#include "base/str.h"
#include "cli/ui.h"
#include "os/file.h"
#include "os/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static enum ui_style diff_style(const char *line, size_t n)
{
    if (n == 0)
        return UI_PLAIN;
    if (n >= 4 && (memcmp(line, "+++ ", 4) == 0 || memcmp(line, "--- ", 4) == 0 || memcmp(line, "diff", 4) == 0))
        return UI_BOLD;
    return line[0] == '+' ? UI_GREEN : line[0] == '-' ? UI_RED : line[0] == '@' ? UI_CYAN : UI_PLAIN;
}

/* A binary file's content in base85 says nothing to a person: its size does. Returns the bytes to skip; 0 when p is not
 * one. diff.patch itself stays whole: this is only for a screen. */
static size_t binary_part(struct buf *out, const char *p, size_t n)
{
    static const char mark[] = "GIT binary patch\nliteral ", next[] = "\ndiff --git ";
    if (n < sizeof mark || memcmp(p, mark, sizeof mark - 1) != 0)
        return 0;
    const char *size = p + sizeof mark - 1, *end = memmem(p, n, next, sizeof next - 1);
    buf_puts(out, "(binary, ");
    for (size_t i = 0; i < 20 && size + i < p + n && size[i] >= '0' && size[i] <= '9'; i++)
        buf_addc(out, size[i]);
    buf_puts(out, " bytes)\n");
    return end ? (size_t)(end - p) + 1 : n;
}

static void paint(const struct ui *ui, struct buf *out, const char *p, size_t n, bool diff)
{
    while (n > 0) {
        size_t skip = diff ? binary_part(out, p, n) : 0;
        if (skip) {
            p += skip;
            n -= skip;
            continue;
        }
        const char *nl = memchr(p, '\n', n);
        size_t len = nl ? (size_t)(nl - p) : n;
        enum ui_style s = diff ? diff_style(p, len) : UI_PLAIN;
        if (s != UI_PLAIN)
            buf_puts(out, ui_sgr(ui, s));
        text_clean(out, p, len, 0);
        if (s != UI_PLAIN)
            buf_puts(out, ui_sgr(ui, UI_PLAIN));
        buf_addc(out, '\n');
        p += len + (nl ? 1 : 0);
        n -= len + (nl ? 1 : 0);
    }
}

/* The environment with LESS=FRX, unless the person chose their own: colours pass, one page does not stop. */
static char **pager_env(void)
{
    extern char **environ;
    size_t n = 0;
    while (environ[n])
        n++;
    char **env = calloc(n + 2, sizeof *env);
    if (!env)
        return NULL;
    memcpy(env, environ, n * sizeof *env);
    if (!getenv("LESS"))
        env[n] = (char *)(uintptr_t) "LESS=FRX";
    return env;
}

/* $PAGER is the person's own shell text, as everywhere. 0 when it ran. */
static int run_pager(struct ui *ui, const struct buf *text)
{
    const char *pager = getenv("PAGER");
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", str_dup(pager && *pager ? pager : "less"),
                    NULL};
    char **env = pager_env();
    int p[2] = {-1, -1}, r = -1;
    pid_t pid = 0;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
    ui_flush(ui);
    (void)sigaction(SIGINT, &ignore, &was); /* Ctrl-C belongs to the pager while it is open */
    if (env && argv[2] && pipe2(p, O_CLOEXEC) == 0) {
        struct proc_spawn s = {
            .path = "/bin/sh", .argv = argv, .envp = env, .in = p[0], .out = ui->out, .err = ui->err};
        r = proc_start(&s, &pid, NULL, NULL);
        fd_close(&p[0]);
    }
    if (r == 0) {
        if (fd_write_full(p[1], text->p, text->len, NULL) < 0)
            r = 0; /* EPIPE: the person has seen enough */
        fd_close(&p[1]);
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127) /* no such program */
            r = -1;
    }
    (void)sigaction(SIGINT, &was, NULL);
    fd_close(&p[0]);
    fd_close(&p[1]);
    free(argv[2]);
    free(env);
    return r;
}

void ui_page(struct ui *ui, const char *p, size_t n, bool diff)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(n * 8 + MIB);
    if (!ui->out_tty) {
        ui_raw(ui, p, n);
        return;
    }
    paint(ui, &text, p, n, diff);
    if (text.bad || text.len == 0)
        return;
    if (run_pager(ui, &text) != 0)
        ui_raw(ui, text.p, text.len);
}
