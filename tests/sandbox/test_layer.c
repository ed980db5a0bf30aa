/* Reading below a root nobody may be trusted about: links, FIFOs, torn records, holes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../check.h"
#include "effects_util.h"
#include "sandbox/layer.h"

static struct fx f;
static int root = -1;

static int start(void **state)
{
    fx_open(&f);
    root = open(f.project, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0;
}

static int stop(void **state)
{
    close(root);
    fx_close(&f);
    return 0;
}

static void test_no_links(void **state)
{
    struct stat st;
    fx_puts(fx_at("%s/d/f", f.project), "x");
    fx_link("d", fx_at("%s/l", f.project));
    fx_link("f", fx_at("%s/d/k", f.project));
    assert_int_equal(layer_open(root, "l/f", O_RDONLY), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(layer_open(root, "l", O_PATH | O_DIRECTORY), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(layer_open_file(root, "d/k", &st), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(layer_open(root, "../run", O_PATH), -1);
    assert_int_equal(layer_stat(root, "d/k", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *target = layer_link(root, "d/k");
    assert_string_equal(target, "f");
    free(target);
}

static void test_fifo_is_not_opened(void **state)
{
    struct stat st;
    assert_int_equal(mkfifo(fx_at("%s/fifo", f.project), 0644), 0);
    assert_int_equal(layer_open_file(root, "fifo", &st), -1); /* and did not hang */
    assert_int_equal(errno, EINVAL);
}

static void test_copy_keeps_holes(void **state)
{
    char *path = fx_at("%s/holes", f.project), a[SHA256_HEX], b[SHA256_HEX];
    struct stat st;
    fx_puts(path, "head");
    int src = open(path, O_RDWR | O_CLOEXEC),
        dst = open(fx_at("%s/copy", f.project), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(src, "tail", 4, 8 << 20), 4);
    assert_int_equal(ftruncate(src, 16 << 20), 0);
    assert_int_equal(layer_copy(src, dst, a, NULL), 0);
    assert_int_equal(layer_hash(dst, b, NULL), 0);
    assert_string_equal(a, b);
    assert_int_equal(fstat(dst, &st), 0);
    assert_int_equal(st.st_size, 16 << 20);
    assert_true(st.st_blocks * 512 < 1 << 20);
    close(src);
    close(dst);
}

static void test_torn_modes(void **state)
{
    static const char text[] = "100000 a\0junk\0"
                               "100644 a\0"
                               "100755 b/c\0"
                               "100600 to";
    struct layer_modes *m = NULL;
    char *path = fx_at("%s/modes", f.dir);
    fx_write(path, text, sizeof text - 1, 0600);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(layer_modes_load(fd, &m, NULL), 0);
    close(fd);
    assert_int_equal(layer_modes_get(m, "a", 0100400), 0100000); /* the first record counts */
    assert_int_equal(layer_modes_get(m, "b/c", 0100400), 0100755);
    assert_int_equal(layer_modes_get(m, "to", 0100400), 0100400); /* cut short by a crash */
    layer_modes_free(m);
    assert_int_equal(layer_modes_load(-1, &m, NULL), 0);
    assert_int_equal(layer_modes_get(m, "a", 0100400), 0100400);
    layer_modes_free(m);
}

static int note(void *arg, const struct layer_entry *en, struct err *e)
{
    char *seen = arg;
    seen[strlen(seen)] = "dflsw"[en->what];
    return strcmp(en->path, "stop") == 0 ? 7 : 0;
}

static void test_walk(void **state)
{
    char seen[32] = "", *dir = fx_at("%s/w", f.project);
    fx_whiteout(fx_at("%s/gone", dir));
    assert_int_equal(layer_walk(root, "w", 0, note, seen, NULL), 0);
    assert_string_equal(seen, "w");
    memset(seen, 0, sizeof seen);
    assert_int_equal(layer_walk(root, "w", LAYER_PLAIN, note, seen, NULL), 0);
    assert_string_equal(seen, "s"); /* in an ordinary tree it is a device */
    struct err e = ERR_INIT;
    assert_int_equal(layer_walk(root, "nowhere", 0, note, seen, &e), -ERR_IO);
    fx_puts(fx_at("%s/stop", f.project), "");
    assert_int_equal(layer_walk(root, "", 0, note, seen, &e), 7);
}

struct layout {
    const char *name;
    off_t size, x, zeros; /* an x there; written zeros there, 1 MiB of them, where the others have a hole */
};

static void hash_layout(const struct layout *l, char ret[SHA256_HEX])
{
    static const char zeros[1 << 20];
    char *path = fx_at("%s/%s", f.project, l->name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, l->size), 0);
    assert_int_equal(pwrite(fd, "x", 1, l->x), 1);
    if (l->zeros >= 0)
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, l->zeros), sizeof zeros);
    assert_int_equal(layer_hash(fd, ret, NULL), 0);
    close(fd);
    unlink(path);
}

/* The hash of a large file is of its content: not of its holes, and of nothing less. */
static void test_large_files_are_known_by_content(void **state)
{
    static const struct layout base = {"base", ((off_t)256 << 20) + 5, (off_t)100 << 20, -1};
    struct layout other = base;
    char want[SHA256_HEX], hex[SHA256_HEX];
    hash_layout(&base, want);
    assert_int_equal(*want, LAYER_SPARSE_MARK);
    other.zeros = ((off_t)50 << 20) + 77;
    hash_layout(&other, hex);
    assert_string_equal(hex, want);
    other.zeros = other.size - (1 << 20);
    hash_layout(&other, hex);
    assert_string_equal(hex, want);
    other = base;
    other.x++;
    hash_layout(&other, hex);
    assert_string_not_equal(hex, want);
    other.x = base.x + (off_t)(256 << 10); /* the same blocks, elsewhere */
    hash_layout(&other, hex);
    assert_string_not_equal(hex, want);
    other = base;
    other.size++;
    hash_layout(&other, hex);
    assert_string_not_equal(hex, want);
    other = base;
    other.size = (off_t)256 << 20; /* not large yet: plain */
    hash_layout(&other, hex);
    assert_int_not_equal(*hex, LAYER_SPARSE_MARK);
}

static void test_large_copy_keeps_holes(void **state)
{
    char *path = fx_at("%s/large", f.project), *copy = fx_at("%s/large.copy", f.project), a[SHA256_HEX], b[SHA256_HEX];
    int src = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), dst = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;
    char got[4] = "";
    assert_int_equal(ftruncate(src, (off_t)10 << 30), 0);
    assert_int_equal(pwrite(src, "abc", 3, 5000000000), 3);
    assert_int_equal(layer_copy(src, dst, a, NULL), 0);
    assert_int_equal(layer_hash(dst, b, NULL), 0);
    assert_string_equal(a, b);
    assert_int_equal(fstat(dst, &st), 0);
    assert_int_equal(st.st_size, (off_t)10 << 30);
    assert_true(st.st_blocks < 1024);
    assert_int_equal(pread(dst, got, 3, 5000000000), 3);
    assert_string_equal(got, "abc");
    close(src);
    close(dst);
    unlink(path);
    unlink(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_links),
        cmocka_unit_test(test_fifo_is_not_opened),
        cmocka_unit_test(test_torn_modes),
        cmocka_unit_test(test_copy_keeps_holes),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_large_files_are_known_by_content),
        cmocka_unit_test(test_large_copy_keeps_holes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
