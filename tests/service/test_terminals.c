/* The meeting of handlers and workers over a terminal: who waits is answered, whatever happens on the other side. */
#include "tests/service/rig.h"

#include <pthread.h>
#include <stdatomic.h>

#include "os/clock.h"
#include "service/terminals.h"

static void no_wake(void *arg)
{
    (void)arg;
}

static void nobody_is_there(void **state)
{
    struct id step = id_new(ID_STEP);
    struct sandbox_tty t;
    struct sandbox_tty_ask q = {.what = SB_TTY_INPUT};
    struct rig *g = *state;

    assert_false(terminals_look(&g->svc, &step, &t));
    NO(ERR_NOT_FOUND, terminals_ask(&g->svc, &g->c, &step, &q, &t, &e));
}

/* A worker that never comes: the question is taken back. */
static void an_idle_worker(void **state)
{
    struct id run = id_new(ID_RUN), step = id_new(ID_STEP);
    struct terminal *t = NULL;
    struct sandbox_tty got;
    struct rig *g = *state;
    int64_t began = clock_mono_us();

    OK(terminal_open(g->svc.terminals, "default", &run, &step, no_wake, NULL, &t, &e));
    assert_false(terminals_look(&g->svc, &step, &got));
    assert_true(clock_mono_us() - began < 5 * SEC_US);
    terminal_close(&g->svc, t);
    assert_false(terminals_look(&g->svc, &step, &got));
}

struct looker {
    struct rig *g;
    struct id step;
};

static void *look(void *arg)
{
    struct looker *l = arg;
    struct sandbox_tty got;

    return terminals_look(&l->g->svc, &l->step, &got) ? arg : NULL;
}

static void count_wake(void *arg)
{
    (*(atomic_int *)arg)++;
}

static void *look_on(void *arg)
{
    (void)look(arg);
    return NULL;
}

/* Who looks while another one waits is not let in: one place is kept for who types. */
static void one_looks_at_a_time(void **state)
{
    struct looker l = {*state, id_new(ID_STEP)};
    struct id run = id_new(ID_RUN);
    struct terminal *t = NULL;
    struct sandbox_tty got;
    atomic_int asked = 0;
    bool tried = false;

    OK(terminal_open(l.g->svc.terminals, "default", &run, &l.step, count_wake, &asked, &t, &e));
    for (int i = 0; i < 20 && !tried; i++) {
        pthread_t th;

        asked = 0;
        assert_int_equal(pthread_create(&th, NULL, look_on, &l), 0);
        while (asked == 0)
            clock_sleep_us(100);
        assert_false(terminals_look(&l.g->svc, &l.step, &got));
        if (pthread_tryjoin_np(th, NULL) != 0) { /* it waited meanwhile */
            tried = true;
            assert_int_equal(asked, 1);
            pthread_join(th, NULL);
        }
    }
    assert_true(tried);
    terminal_close(&l.g->svc, t);
}

/* Closing answers who waits. */
static void closed_while_asked(void **state)
{
    for (int i = 0; i < 50; i++) {
        struct id run = id_new(ID_RUN);
        struct looker l = {*state, id_new(ID_STEP)};
        struct terminal *t = NULL;
        pthread_t th[3];
        void *told;

        OK(terminal_open(l.g->svc.terminals, "default", &run, &l.step, no_wake, NULL, &t, &e));
        for (int k = 0; k < 3; k++)
            assert_int_equal(pthread_create(&th[k], NULL, look, &l), 0);
        clock_sleep_us(i * 20);
        terminal_close(&l.g->svc, t);
        for (int k = 0; k < 3; k++) {
            pthread_join(th[k], &told);
            assert_null(told);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_is_there, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_idle_worker, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(one_looks_at_a_time, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(closed_while_asked, rig_up, rig_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
