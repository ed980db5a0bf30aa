/* edit - see edit.h.
 *
 * May include: base/ os/ cli/ui.h.   Threads: one. */
#include "cli/edit.h"
#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* $EDITOR is the person's own shell text ("vim -f"), as git and crontab take it. The file name is an argument of
 * that shell, never part of its text. Ctrl-C belongs to the editor while it is open. */
static int run_editor(struct ui *ui, const char *path, struct err *e)
{
    extern char **environ;
    const char *ed = getenv("VISUAL");
    if (!ed || !*ed)
        ed = getenv("EDITOR");
    if (!ed || !*ed)
        ed = "vi";
    char *script = str_printf("exec %s \"$1\"", ed);
    char *argv[] = {(char *)(uintptr_t) "sh",        (char *)(uintptr_t) "-c", script,
                    (char *)(uintptr_t) "sallyport", (char *)(uintptr_t)path,  NULL};
    struct proc_spawn s = {
        .path = "/bin/sh", .argv = argv, .envp = environ, .in = ui->in, .out = ui->out, .err = ui->err};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
    pid_t pid;
    int status = 0;
    if (!script)
        return err_oom(e);
    (void)sigaction(SIGINT, &ignore, &was);
    int r = proc_start(&s, &pid, NULL, e);
    while (r == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)sigaction(SIGINT, &was, NULL);
    free(script);
    if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return err_set(e, ERR_IO, "the editor `%s` failed: nothing was changed. Set VISUAL or EDITOR to another", ed);
    return r;
}

int edit_text(struct ui *ui, const char *name, struct buf *text, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    if (!ui->in_tty || !ui->out_tty)
        return err_set(e, ERR_USAGE, "an editor needs a terminal");
    char *dir = str_printf("%s/sallyport-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!dir)
        return err_oom(e);
    if (!mkdtemp(dir)) {
        int r = err_sys(e, ERR_IO, "making a directory in %s", tmp && *tmp ? tmp : "/tmp");
        free(dir);
        return r;
    }
    char *path = str_printf("%s/%s", dir, name);
    ui_flush(ui);
    int r = path ? file_replace(AT_FDCWD, path, text->p, text->len, 0600, e) : err_oom(e);
    if (r == 0)
        r = run_editor(ui, path, e);
    if (r == 0) {
        buf_reset(text);
        r = file_read(AT_FDCWD, path, text, e);
    }
    /* An editor may have left its backup and swap files beside it. */
    if (dir_remove(AT_FDCWD, dir, NULL) < 0)
        ui_warn(ui, "cannot remove %s", ui_one(ui, dir));
    free(path);
    free(dir);
    return r;
}
