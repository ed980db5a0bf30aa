/* tmp - a directory of its own for each test, removed again without the code under test. */
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

struct tmp {
    char path[64];
    int fd;
};

static inline int tmp_setup(void **state)
{
    struct tmp *t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    snprintf(t->path, sizeof t->path, "/tmp/sallyport-test-XXXXXX");
    if (!mkdtemp(t->path))
        return -1;
    t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = t;
    return t->fd < 0 ? -1 : 0;
}

static inline int tmp_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    return remove(path);
}

static inline int tmp_teardown(void **state)
{
    struct tmp *t = *state;
    close(t->fd);
    int r = nftw(t->path, tmp_one, 20, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(t);
    return r;
}

#define TMP_TEST(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

static inline void tmp_write(const struct tmp *t, const char *name, const char *text)
{
    int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* How many entries a directory has. */
static inline int tmp_count(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *ent; (ent = readdir(d));)
        n += strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0;
    closedir(d);
    return n;
}

/* How many fds are open here. */
static inline int tmp_fds(void)
{
    return tmp_count("/proc/self/fd");
}
