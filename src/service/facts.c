#include "service/facts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#define FACTS_MAX 128

struct facts {
    struct project_facts view;
    struct planner_fact v[FACTS_MAX];
    struct buf text[FACTS_MAX];
};

static void look(int root, const struct planner_file *f, struct planner_fact *fact, struct buf *text)
{
    /* O_NONBLOCK: a fifo in a project must not hold us; links may lead within the project, not out of it. */
    AUTO(fd_close) int fd = file_open_beneath(root, f->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    if (f->dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return;
    fact->there = true;
    if (!f->read || st.st_size > (off_t)PLANNER_TEXT_MAX || fd_read_all(fd, text, NULL) < 0 || text->bad)
        return; /* there, but too large to be read: the planner says what it can without */
    fact->text = text->p ? text->p : "";
    fact->n = text->len;
}

int facts_gather(const char *root_path, struct facts **ret, struct err *e)
{
    const struct planner_file *files = planner_files();
    AUTO(fd_close) int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct facts *fs;

    if (root < 0)
        return err_sys(e, ERR_NOT_FOUND, "open the project's directory %s", root_path);
    fs = calloc(1, sizeof *fs);
    if (!fs)
        return err_oom(e);
    for (size_t i = 0; files[i].name && i < FACTS_MAX; i++) {
        buf_init(&fs->text[i], PLANNER_TEXT_MAX);
        look(root, &files[i], &fs->v[i], &fs->text[i]);
        fs->view.n = i + 1;
    }
    fs->view.v = fs->v;
    *ret = fs;
    return 0;
}

void facts_free(struct facts *fs)
{
    if (!fs)
        return;
    for (size_t i = 0; i < FACTS_MAX; i++)
        buf_fini(&fs->text[i]);
    free(fs);
}

const struct project_facts *facts_view(const struct facts *fs)
{
    return &fs->view;
}
