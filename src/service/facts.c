#include "service/facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

#define FACTS_MAX 128
/* What is read of one test and of one directory: enough to see its style, and never more than a moment. */
#define TEST_HEAD   (32 * KIB)
#define ENTRIES_MAX 4096

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

static void dir_close(DIR **d)
{
    if (*d)
        closedir(*d);
}

static void add_test(int root, const char *name, struct planner_fact *fact, struct buf *text)
{
    AUTO(fd_close) int fd = file_open_beneath(root, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
    char head[TEST_HEAD];
    struct stat st;
    size_t n = 0;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    fact->there = true;
    for (ssize_t got; n < sizeof head && (got = read(fd, head + n, sizeof head - n)) > 0;)
        n += (size_t)got;
    if (text->len + n + 1 > PLANNER_TEXT_MAX)
        return;
    buf_addc(text, '\n');
    buf_add(text, head, n);
}

/* The tests of Python in one directory of the project. */
static void look_tests(int root, const char *dir, struct planner_fact *fact, struct buf *text)
{
    int fd = file_open_beneath(root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    AUTO(dir_close) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (!d && fd >= 0)
        close(fd);
    for (int i = 0; d && i < ENTRIES_MAX && text->len < PLANNER_TEXT_MAX && (entry = readdir(d)); i++) {
        char name[sizeof entry->d_name + 8];

        if (fnmatch(PLANNER_PYTHON_TESTS, entry->d_name, 0) != 0 && fnmatch("*_test.py", entry->d_name, 0) != 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", dir, entry->d_name);
        add_test(root, name, fact, text);
    }
}

static void look_python(int root, struct planner_fact *fact, struct buf *text)
{
    static const char *const dirs[] = {".", "tests", "test"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        look_tests(root, dirs[i], fact, text);
    if (!fact->there || text->bad)
        return;
    fact->text = text->p ? text->p : "";
    fact->n = text->len;
}

int facts_gather(const char *root_path, struct facts **ret, struct err *e)
{
    const struct planner_file *files = planner_files();
    AUTO(fd_close) int root = dir_open_canonical(root_path, O_PATH);
    struct facts *fs;

    if (root < 0 && errno == ELOOP)
        return err_set(e, ERR_NOT_FOUND,
                       "the path %s leads through a symbolic link now: put the project's directory back, or add the "
                       "project where it is",
                       root_path);
    if (root < 0)
        return err_sys(e, ERR_NOT_FOUND, "open the project's directory %s", root_path);
    fs = calloc(1, sizeof *fs);
    if (!fs)
        return err_oom(e);
    for (size_t i = 0; files[i].name && i < FACTS_MAX; i++) {
        buf_init(&fs->text[i], PLANNER_TEXT_MAX);
        if (str_eq(files[i].name, PLANNER_PYTHON_TESTS))
            look_python(root, &fs->v[i], &fs->text[i]);
        else
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
