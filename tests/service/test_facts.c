/* What the planner is told of a project's tests: found by pattern, read in bounds, never through a link out. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "service/facts.h"

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* The command of "test", for what is in dir. */
static void expect(const char *dir, const char *command)
{
    AUTO_PTR(facts_free) struct facts *fs = NULL;
    AUTO_PTR(plan_free) struct plan *p = NULL;
    struct err e = ERR_INIT;

    assert_int_equal(facts_gather(dir, &fs, &e), 0);
    assert_int_equal(planner_make("test", facts_view(fs), &p, &e), 0);
    assert_int_equal(p->nsteps, 1);
    assert_string_equal(p->steps[0].command, command);
}

static void remove_all(const char *dir)
{
    static const char *const names[] = {"tests/x_test.py", "tests",        "pyproject.toml", "test_a.py", "test_b.py",
                                        "test_out.py",     "test_fifo.py", "test_dir.py",    "helper.py"};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void tests_that_are_functions_ask_for_pytest(void **state)
{
    char dir[] = "/tmp/sallyport-facts.XXXXXX", outside[] = "/tmp/sallyport-outside.XXXXXX", path[256];
    int fd = mkstemp(outside);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "def test_x():\n", 14), 14);
    close(fd);
    assert_non_null(mkdtemp(dir));
    put(dir, "pyproject.toml", "[project]\nname = 'a'\n");
    put(dir, "helper.py", "def test_x():\n    pass\n");
    put(dir, "test_b.py", "import unittest\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n");
    snprintf(path, sizeof path, "%s/test_out.py", dir);
    assert_int_equal(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s/test_fifo.py", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/test_dir.py", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    expect(dir, "python3 -m unittest discover -v");
    put(dir, "test_a.py", "def test_x():\n    assert 1\n");
    expect(dir, "python3 -m pytest");
    put(dir, "test_a.py", "");
    snprintf(path, sizeof path, "%s/tests", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    expect(dir, "python3 -m unittest discover -v -s tests");
    put(dir, "tests/x_test.py", "import a\n\ndef test_x():\n    assert 1\n");
    expect(dir, "python3 -m pytest");
    remove_all(dir);
    unlink(outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_that_are_functions_ask_for_pytest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
