/* Streams: one order, live or not; shared while it is live; nothing lost, nothing repeated, whoever is slow. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "core/cursor.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/stream.h"
#include "store/run_rows.h"

#define NSTEPS  3
#define TIMEOUT (20 * SEC_US)

/* A run whose events and logs the test writes by itself, as worker and shim would. */
struct tape {
    struct rig *g;
    struct id run, step[NSTEPS];
    struct log_writer *log[NSTEPS];
    int logs;
    int64_t now; /* of the next event or frame */
};

struct stored {
    const struct tape *t;
    const struct id *step;
    const char *type, *data;
};

static int store_tx(struct db *db, void *arg, struct err *e)
{
    const struct stored *s = arg;

    return event_append(db, &s->t->run, s->step, s->type, s->t->now, s->data, NULL, e);
}

static void event(struct tape *t, int step, const char *type)
{
    char data[80];
    struct stored s = {t, step < 0 ? NULL : &t->step[step], type, data};

    snprintf(data, sizeof data, "{\"index\":%d,\"attempt\":1}", step < 0 ? 0 : step);
    OK(store_write(t->g->svc.store, store_tx, &s, &e));
    t->now++;
}

static void start(struct tape *t, int i)
{
    uint8_t rnd[10] = {0, (uint8_t)i};
    char name[32];

    id_make(ID_STEP, clock_now_us() / 1000, rnd, &t->step[i]);
    event(t, i, "step.started");
    snprintf(name, sizeof name, "%d.1.log", i);
    OK(logfile_open_write(t->logs, name, &t->log[i], &e));
}

static void output(struct tape *t, int i, const void *p, size_t n)
{
    OK(logfile_append(t->log[i], LOG_STDOUT, t->now++, p, n, &e));
    hub_wake(t->g->svc.hub, &t->run);
}

static void line(struct tape *t, int i, const char *text)
{
    output(t, i, text, strlen(text));
}

static void end(struct tape *t, int i)
{
    OK(logfile_append(t->log[i], LOG_EXIT, t->now++, "", 0, &e));
    logfile_close_write(t->log[i]);
    t->log[i] = NULL;
    event(t, i, "step.finished");
}

static void tape_begin(struct tape *t, struct rig *g)
{
    char dir[80];

    *t = (struct tape){.g = g, .now = clock_now_us(), .logs = -1};
    t->run = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    snprintf(dir, sizeof dir, "runs/%s/logs", t->run.s);
    OK(dir_make(g->svc.data_fd, dir, &t->logs, &e));
}

static void tape_end(struct tape *t)
{
    for (int i = 0; i < NSTEPS; i++)
        logfile_close_write(t->log[i]);
    fd_close(&t->logs);
}

/* ---- readers ------------------------------------------------------------- */

struct reader {
    struct stream *s;
    struct buf text; /* what it was given: envelopes, one a line */
    atomic_int woken;
    size_t items;
};

static void woken(void *arg)
{
    ((struct reader *)arg)->woken = 1;
}

static void reader_open(struct reader *r, struct tape *t, const char *cursor, bool follow)
{
    *r = (struct reader){.woken = 1};
    buf_init(&r->text, 256 * MIB);
    OK(stream_open(&t->g->svc, "default", &t->run, cursor, &r->s, &e));
    if (follow)
        OK(stream_follow(r->s, woken, r, &e));
}

static void reader_close(struct reader *r)
{
    stream_close(r->s);
    buf_fini(&r->text);
}

/* At most `max` items that are there now; how many. */
static size_t read_some(struct reader *r, size_t max)
{
    struct stream_item it;
    struct err e = ERR_INIT;
    size_t n = 0;
    int k = 0;

    r->woken = 0;
    while (n < max && (k = stream_next(r->s, &it, &e)) == 1) {
        buf_add(&r->text, it.json, it.json_len);
        buf_addc(&r->text, '\n');
        assert_true(it.cursor[0] != '\0');
        n++;
    }
    must(k, &e);
    stream_rest(r->s);
    r->items += n;
    if (n == max)
        r->woken = 1; /* it was not asked whether there is more */
    return n;
}

/* Reads whenever it is woken, until the run is over. */
static void read_all(struct reader *r)
{
    int64_t until = clock_mono_us() + TIMEOUT;

    while (!stream_ended(r->s)) {
        if (clock_mono_us() > until)
            fail_msg("the stream did not end after %zu items", r->items);
        if (r->woken)
            read_some(r, SIZE_MAX);
        else
            clock_sleep_us(200);
    }
}

/* Reads until n items were given altogether; `whole`: and all that is there. */
static void read_to(struct reader *r, size_t n, bool whole)
{
    int64_t until = clock_mono_us() + TIMEOUT;

    while (r->items < n) {
        if (clock_mono_us() > until)
            fail_msg("%zu items instead of %zu", r->items, n);
        if (!r->woken)
            clock_sleep_us(200);
        else
            read_some(r, whole ? SIZE_MAX : n - r->items);
    }
}

static void read_until(struct reader *r, size_t n)
{
    read_to(r, n, false);
}

static void catch_up(struct reader *r, size_t n)
{
    read_to(r, n, true);
    read_some(r, SIZE_MAX);
}

static void same(const struct reader *a, const struct reader *b)
{
    assert_int_equal(a->items, b->items);
    assert_int_equal(a->text.len, b->text.len);
    assert_memory_equal(a->text.p, b->text.p, a->text.len);
}

/* Of a run that is over: what a replay gives. */
static void replay(struct reader *r, struct tape *t)
{
    reader_open(r, t, NULL, false);
    read_some(r, SIZE_MAX);
    assert_true(stream_ended(r->s));
}

static void number(struct tape *t, int step, int i)
{
    char text[32];

    snprintf(text, sizeof text, "line %d\n", i);
    line(t, step, text);
}

static struct streams_stats stats(struct rig *g)
{
    struct streams_stats st;

    streams_stats(g->svc.streams, &st);
    return st;
}

/* ---- one order --------------------------------------------------------------- */

static void all_who_follow_are_given_the_same_rendered_once(void **state)
{
    enum { N = 20, LINES = 100 };
    struct reader r[N], whole;
    struct tape t;

    tape_begin(&t, *state);
    for (int i = 0; i < N; i++)
        reader_open(&r[i], &t, NULL, true);
    start(&t, 0);
    for (int i = 0; i < LINES; i++) {
        number(&t, 0, i);
        if (i % 10 == 9) /* everybody has caught up, to the last line */
            for (int k = 0; k < N; k++)
                catch_up(&r[k], (size_t)i + 3);
    }
    end(&t, 0);
    event(&t, -1, "run.completed");
    for (int k = 0; k < N; k++)
        read_all(&r[k]);
    replay(&whole, &t);
    for (int k = 0; k < N; k++)
        same(&r[k], &whole);
    assert_int_equal(stats(t.g).follow, N);
    assert_int_equal(stats(t.g).tails, 1);
    assert_in_range(stats(t.g).rendered, LINES - 10, LINES + 5);
    assert_true(stats(t.g).given >= (uint64_t)N * (LINES - 11));
    assert_int_equal(stats(t.g).shared, 0); /* everybody has everything */
    for (int k = 0; k < N; k++)
        reader_close(&r[k]);
    reader_close(&whole);
    assert_int_equal(stats(t.g).follow, 0);
    assert_int_equal(stats(t.g).tails, 0);
    tape_end(&t);
}

/* How the replay of a run of parallel steps stands; who followed it live has seen each step in order, and all of them.
 */
static void frames_and_events_stand_in_order_of_time(void **state)
{
    static const char *const want[] = {"run.status",    "step.started", "step.started", "\"a1",       "\"b1",
                                       "run.status",    "\"a2",         "\"b2",         "run.status", "\"b3",
                                       "step.finished", "\"a3",         "step.finished"};
    static const char *const in_order[][3] = {{"\"a1", "\"a2", "\"a3"}, {"\"b1", "\"b2", "\"b3"}};
    struct reader live, whole;
    struct tape t;
    const char *p;

    tape_begin(&t, *state);
    reader_open(&live, &t, NULL, true);
    catch_up(&live, 1); /* its first event: queued */
    start(&t, 0);
    start(&t, 1);
    line(&t, 0, "a1");
    line(&t, 1, "b1");
    event(&t, -1, "run.status");
    line(&t, 0, "a2");
    line(&t, 1, "b2");
    event(&t, -1, "run.status");
    line(&t, 1, "b3");
    end(&t, 1);
    line(&t, 0, "a3");
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&live);
    replay(&whole, &t);
    assert_int_equal(live.items, whole.items);
    p = whole.text.p;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const char *end_of = strchr(p, '\n'), *at = strstr(p, want[i]);

        if (!at || at > end_of)
            fail_msg("item %zu is not %s: %.200s", i, want[i], p);
        p = end_of + 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        p = live.text.p;
        for (size_t k = 0; k < 3; k++)
            assert_non_null(p = strstr(p, in_order[i][k]));
    }
    reader_close(&live);
    reader_close(&whole);
    tape_end(&t);
}

static void every_item_of_a_live_stream_is_a_place_to_resume_from(void **state)
{
    enum { LINES = 12 };
    struct reader live, rest;
    char cursor[LINES + 8][128];
    struct tape t;
    size_t n = 0;

    tape_begin(&t, *state);
    reader_open(&live, &t, NULL, true);
    start(&t, 0);
    for (int i = 0; i < LINES; i++) {
        number(&t, 0, i);
        while (live.items < (size_t)i + 3) {
            read_until(&live, live.items + 1);
            snprintf(cursor[n++], sizeof cursor[0], "%s", stream_cursor(live.s));
        }
    }
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&live);
    for (size_t i = 0; i < n; i++) {
        const char *p = live.text.p;

        for (size_t k = 0; k <= i; k++)
            p = strchr(p, '\n') + 1;
        reader_open(&rest, &t, cursor[i], true);
        read_all(&rest);
        assert_string_equal(rest.text.p, p);
        reader_close(&rest);
    }
    reader_close(&live);
    tape_end(&t);
}

/* Whose cursor was made up, and says more than anybody can have read, waits for nothing: he costs no more than others.
 */
static void a_cursor_that_was_made_up_keeps_nobody_busy(void **state)
{
    char text[CURSOR_TEXT_MAX];
    struct reader live, forged;
    struct cursor at;
    struct err e = ERR_INIT;
    struct id none;
    struct tape t;
    int rounds = 0;

    tape_begin(&t, *state);
    reader_open(&live, &t, NULL, true);
    start(&t, 0);
    number(&t, 0, 0);
    catch_up(&live, 3);
    must(cursor_decode(stream_cursor(live.s), &t.run, &at, &e), &e);
    id_make(ID_STEP, 1, (uint8_t[10]){0}, &none);
    must(cursor_open_step(&at, &none, 99, 1, (uint64_t)1 << 40, &e), &e);
    cursor_encode(&at, &t.run, text);
    reader_open(&forged, &t, text, true);
    for (int64_t quiet = clock_mono_us(); clock_mono_us() - quiet < 100 * MS_US && rounds < 100;) {
        if (!forged.woken) {
            clock_sleep_us(200);
            continue;
        }
        assert_int_equal(read_some(&forged, SIZE_MAX), 0);
        quiet = clock_mono_us();
        rounds++;
    }
    assert_in_range(rounds, 1, 20);
    number(&t, 0, 1);
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&live);
    read_all(&forged);
    assert_int_equal(forged.items, 3);
    reader_close(&live);
    reader_close(&forged);
    tape_end(&t);
}

/* A cursor into the middle of a frame is its maker's mistake, not damage that somebody should look at. */
static void a_cursor_into_a_frame_is_no_damage(void **state)
{
    char text[CURSOR_TEXT_MAX];
    struct reader live;
    struct cursor at;
    struct err e = ERR_INIT;
    struct stream *s = NULL;
    struct stream_item it;
    struct tape t;

    tape_begin(&t, *state);
    reader_open(&live, &t, NULL, true);
    start(&t, 0);
    number(&t, 0, 0);
    catch_up(&live, 3);
    must(cursor_decode(stream_cursor(live.s), &t.run, &at, &e), &e);
    assert_int_equal(at.n, 1);
    at.open[0].offset--;
    cursor_encode(&at, &t.run, text);
    must(stream_open(&t.g->svc, "default", &t.run, text, &s, &e), &e);
    assert_int_equal(stream_next(s, &it, &e), -ERR_CURSOR);
    stream_close(s);
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&live);
    reader_close(&live);
    tape_end(&t);
}

static void binary_and_long_output_is_whole(void **state)
{
    struct reader live, whole;
    struct tape t;
    char *big = malloc(LOG_PAYLOAD_MAX);

    assert_non_null(big);
    for (size_t i = 0; i < LOG_PAYLOAD_MAX; i++)
        big[i] = (char)(i * 7 % 256);
    tape_begin(&t, *state);
    reader_open(&live, &t, NULL, true);
    catch_up(&live, 1);
    start(&t, 0);
    output(&t, 0, big, LOG_PAYLOAD_MAX);
    memset(big, 'x', LOG_PAYLOAD_MAX);
    output(&t, 0, big, LOG_PAYLOAD_MAX);
    output(&t, 0, "\0\1\2\xff", 4);
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&live);
    replay(&whole, &t);
    same(&live, &whole);
    assert_non_null(strstr(whole.text.p, "\"text_b64\":\"AAEC/w==\""));
    reader_close(&live);
    reader_close(&whole);
    free(big);
    tape_end(&t);
}

/* ---- who is slow ---------------------------------------------------------------- */

static void who_does_not_read_costs_little_and_loses_nothing(void **state)
{
    enum { SLOW = 30, FRAMES = 160, SIZE = 32 * 1024 }; /* 5 MiB: more than is kept */
    struct reader slow[SLOW], fast, whole;
    struct tape t;
    char *p = malloc(SIZE);
    int64_t most = 0;

    assert_non_null(p);
    memset(p, 'y', SIZE);
    tape_begin(&t, *state);
    reader_open(&fast, &t, NULL, true);
    start(&t, 0);
    for (int k = 0; k < SLOW; k++) /* each stops somewhere else, some before they have caught up */
        reader_open(&slow[k], &t, NULL, true);
    for (int i = 0; i < FRAMES; i++) {
        output(&t, 0, p, SIZE);
        catch_up(&fast, (size_t)i + 3);
        if (i < SLOW && i % 2)
            read_until(&slow[i], (size_t)i + 2);
        else if (i < SLOW)
            catch_up(&slow[i], (size_t)i + 2);
        if (stats(t.g).shared > most)
            most = stats(t.g).shared;
    }
    assert_true(most > (int64_t)MIB);
    assert_true(most < (int64_t)(3 * MIB));
    end(&t, 0);
    event(&t, -1, "run.completed");
    read_all(&fast);
    replay(&whole, &t);
    same(&fast, &whole);
    for (int k = 0; k < SLOW; k++) {
        read_all(&slow[k]);
        same(&slow[k], &whole);
        reader_close(&slow[k]);
    }
    reader_close(&fast);
    reader_close(&whole);
    free(p);
    tape_end(&t);
}

/* More of them than readers are kept: each goes on where it stood. */
/* A subscription is told its cursor long before its client reads on. */
static void who_has_only_asked_where_it_begins_costs_little(void **state)
{
    enum { N = 200 };
    struct reader r[N];
    struct tape t;
    size_t before;

    tape_begin(&t, *state);
    before = mallinfo2().uordblks;
    for (int i = 0; i < N; i++) {
        reader_open(&r[i], &t, NULL, true);
        assert_true(stream_cursor(r[i].s)[0] != '\0');
    }
    assert_true(mallinfo2().uordblks - before < N * 2 * KIB);
    event(&t, -1, "run.completed");
    for (int i = 0; i < N; i++) {
        read_all(&r[i]);
        same(&r[i], &r[0]);
    }
    for (int i = 0; i < N; i++)
        reader_close(&r[i]);
    tape_end(&t);
}

static void many_who_read_on_their_own_take_turns(void **state)
{
    enum { N = 40, LINES = 30 };
    struct reader r[N], whole;
    struct tape t;

    tape_begin(&t, *state);
    start(&t, 0);
    for (int i = 0; i < LINES; i++)
        number(&t, 0, i);
    end(&t, 0);
    event(&t, -1, "run.completed");
    replay(&whole, &t);
    for (int k = 0; k < N; k++)
        reader_open(&r[k], &t, NULL, k % 2);
    for (size_t i = 0; i < whole.items; i++)
        for (int k = 0; k < N; k++)
            read_some(&r[k], 1);
    for (int k = 0; k < N; k++) {
        assert_true(stream_ended(r[k].s));
        same(&r[k], &whole);
        reader_close(&r[k]);
    }
    reader_close(&whole);
    tape_end(&t);
}

static void a_poll_never_reads(void **state)
{
    struct stream_item it;
    struct reader r;
    struct tape t;

    tape_begin(&t, *state);
    reader_open(&r, &t, NULL, true);
    assert_int_equal(stream_poll(r.s, &it), STREAM_BLOCKS); /* it stands at the beginning, alone */
    catch_up(&r, 1);
    assert_int_equal(stream_poll(r.s, &it), 0);
    start(&t, 0);
    for (int64_t until = clock_mono_us() + TIMEOUT; stream_poll(r.s, &it) != 1; clock_sleep_us(200))
        assert_true(clock_mono_us() < until);
    assert_string_equal(it.type, "step.started");
    stream_rest(r.s);
    assert_int_equal(stream_poll(r.s, &it), 0);
    reader_close(&r);
    tape_end(&t);
}

/* ---- at the same time -------------------------------------------------------------- */

struct racer {
    struct tape *t;
    unsigned seed;
    uint64_t sum;
    size_t items;
    pthread_t thread;
};

/* Reads to the end in its own way: a few at a time, pausing, coming back with its cursor. */
static void *race(void *arg)
{
    struct racer *me = arg;
    struct reader r;
    char cursor[256];

    reader_open(&r, me->t, NULL, true);
    while (!stream_ended(r.s)) {
        size_t len = r.text.len;
        int dice = rand_r(&me->seed) % 64;

        if (r.woken)
            read_some(&r, dice < 8 ? 1 : SIZE_MAX);
        me->sum = crc32c((uint32_t)me->sum, r.text.p + len, r.text.len - len);
        if (dice == 9 && !stream_ended(r.s)) {
            me->items += r.items;
            snprintf(cursor, sizeof cursor, "%s", stream_cursor(r.s));
            reader_close(&r);
            reader_open(&r, me->t, cursor, true);
        }
        if (dice > 50)
            clock_sleep_us(dice * 20);
    }
    me->items += r.items;
    reader_close(&r);
    return NULL;
}

static void nobody_loses_anything_while_all_go_at_once(void **state)
{
    enum { N = 8, LINES = 600 };
    struct racer r[N];
    struct reader whole;
    struct tape t;
    uint32_t sum;

    tape_begin(&t, *state);
    for (int k = 0; k < N; k++) {
        r[k] = (struct racer){.t = &t, .seed = (unsigned)k * 7919 + 1};
        assert_int_equal(pthread_create(&r[k].thread, NULL, race, &r[k]), 0);
    }
    for (int step = 0; step < NSTEPS; step++) {
        start(&t, step);
        for (int i = 0; i < LINES / NSTEPS; i++) {
            number(&t, step, i);
            if (i % 16 == 0)
                clock_sleep_us(300);
        }
        end(&t, step);
    }
    event(&t, -1, "run.completed");
    for (int k = 0; k < N; k++)
        pthread_join(r[k].thread, NULL);
    replay(&whole, &t);
    sum = crc32c(0, whole.text.p, whole.text.len);
    for (int k = 0; k < N; k++) {
        assert_int_equal(r[k].items, whole.items);
        assert_int_equal(r[k].sum, sum);
    }
    reader_close(&whole);
    tape_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_who_follow_are_given_the_same_rendered_once, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(frames_and_events_stand_in_order_of_time, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(every_item_of_a_live_stream_is_a_place_to_resume_from, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cursor_that_was_made_up_keeps_nobody_busy, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cursor_into_a_frame_is_no_damage, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(binary_and_long_output_is_whole, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(who_does_not_read_costs_little_and_loses_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(who_has_only_asked_where_it_begins_costs_little, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(many_who_read_on_their_own_take_turns, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_poll_never_reads, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(nobody_loses_anything_while_all_go_at_once, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
