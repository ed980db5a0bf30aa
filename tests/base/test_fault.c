/* fault: counting, several points, killing ourselves, the environment. */
#include "check.h"
#include "base/fault.h"

#ifdef SALLYPORT_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void counts(void **state)
{
    fault_arm("read:3,write:1");
    assert_false(FAULT(read));
    assert_false(fault_fired());
    assert_true(FAULT(write));
    assert_false(FAULT(write));
    assert_false(FAULT(read));
    assert_true(FAULT(read));
    assert_false(FAULT(read));
    assert_false(FAULT(other));
    assert_true(fault_fired());
    fault_arm("");
    assert_false(FAULT(read));
    assert_false(fault_fired());
    fault_arm("x:0,:1,kill@:1,y:-1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1,z");
    assert_false(FAULT(x));
    assert_true(FAULT(z));
}

static int status_of(const char *spec)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        fault_arm(spec);
        CRASH_POINT(committed);
        CRASH_POINT(committed);
        IN_COMMIT(one);
        IN_COMMIT(two);
        COMMIT_POINT(false);
        COMMIT_POINT(true);
        COMMIT_POINT(true); /* of another commit */
        _exit(7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void crashes(void **state)
{
    int status = status_of("kill@committed:2");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = status_of("kill@committed:3,committed:1");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_true(WIFSIGNALED(status_of("kill@before_commit.two:1")));
    assert_true(WIFSIGNALED(status_of("kill@after_commit.one:1")));
    assert_true(WIFEXITED(status_of("kill@after_commit.one:2")));
    assert_true(WIFEXITED(status_of("kill@before_commit.three:1")));
}
#else
static void counts(void **state)
{
    assert_false(FAULT(read));
    CRASH_POINT(committed);
}

static void crashes(void **state)
{
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(crashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
