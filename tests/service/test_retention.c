/* Retention over a store and files of its own: what goes, what stays, what a kill in between leaves, and the order of
 * marking and unlinking. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/artifacts.h"
#include "service/disk.h"
#include "service/keeper.h"
#include "service/stream.h"
#include "store/db.h"

/* A run that is over, with a log of some kilobytes and an artifact of this text. */
static struct id ended(struct rig *g, const char *text)
{
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}],\"review\":\"plan\"}");
    struct kept k = {.name = "out", .media_type = "text/plain", .size_bytes = (int64_t)strlen(text)};
    struct log_writer *w = NULL;
    char rel[64];
    int dir = -1;

    rig_planned(g, &id);
    OK(runs_reject(&g->svc, &g->c, &id, NULL, &e));
    struct lease l = rig_claim(g, "finish");
    OK(artifacts_keep(&g->svc, text, strlen(text), k.sha256, &e));
    OK(runs_finish(&g->svc, &l, &k, 1, &e));
    snprintf(rel, sizeof rel, "runs/%s/logs", id.s);
    OK(dir_make(g->svc.data_fd, rel, &dir, &e));
    OK(logfile_open_write(dir, "0.1.log", &w, &e));
    for (int i = 0; i < 100; i++)
        OK(logfile_append(w, LOG_STDOUT, i, "a line of output, as they are\n", 30, &e));
    for (int i = 0; i < 3; i++)
        OK(logfile_append(w, LOG_STDERR, i, "and a note\n", 11, &e));
    logfile_close_write(w);
    close(dir);
    return id;
}

static bool there(struct rig *g, const struct id *run, const char *what)
{
    char rel[128];

    snprintf(rel, sizeof rel, "runs/%s%s", run->s, what);
    return faccessat(g->svc.data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool blob_there(struct rig *g, const char *text)
{
    char sum[SHA256_HEX], rel[128];

    sha256_hex_of(text, strlen(text), sum);
    snprintf(rel, sizeof rel, "blobs/%.2s/%s", sum, sum);
    return faccessat(g->svc.data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct retention_done clean(struct rig *g, bool dry, int64_t kept)
{
    struct retention_done d = {0};

    clock_sleep_us(3000); /* the rules below are of one millisecond */
    OK(retention_clean(&g->svc, dry, kept, NULL, &d, &e));
    return d;
}

static int open_stream(struct rig *g, const struct id *id)
{
    AUTO_PTR(stream_close) struct stream *s = NULL;

    return stream_open(&g->svc, "default", id, NULL, &s, NULL);
}

static void nothing_goes_without_a_rule(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one");
    struct retention_done d = clean(g, false, INT64_MAX);

    assert_int_equal(d.logs_removed + d.runs_removed, 0);
    assert_true(there(g, &a, "/logs/0.1.log"));
    assert_int_equal(open_stream(g, &a), 0);
}

static void logs_go(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one"), b = ended(g, "two");
    struct id open = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");

    OK(retention_keep(&g->svc, &g->c, &b, true, &e));
    g->svc.set.retention.logs_ms = 1;
    assert_int_equal(clean(g, true, 0).logs_removed, 1);
    assert_true(there(g, &a, "/logs/0.1.log"));
    struct retention_done d = clean(g, false, 0);
    assert_int_equal(d.logs_removed, 1);
    assert_true(d.bytes >= 4096);
    assert_false(there(g, &a, "/logs"));
    assert_true(there(g, &b, "/logs/0.1.log"));
    assert_true(blob_there(g, "one"));
    assert_int_equal(open_stream(g, &a), -ERR_GONE);
    assert_int_equal(open_stream(g, &b), 0);
    assert_int_equal(open_stream(g, &open), 0);
    assert_int_equal(clean(g, false, 0).logs_removed, 0); /* once */
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action = 'run.logs_removed'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE removing = 1"), 0);
}

static void all_goes_but_what_others_name(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "shared"), b = ended(g, "shared"), c = ended(g, "own");

    OK(retention_keep(&g->svc, &g->c, &b, true, &e));
    g->svc.set.retention.failed_runs_ms = 1; /* a rejected run did not succeed */
    assert_int_equal(clean(g, false, 0).runs_removed, 2);
    assert_false(there(g, &a, ""));
    assert_false(there(g, &c, ""));
    assert_true(blob_there(g, "shared"));
    assert_false(blob_there(g, "own"));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM artifacts WHERE removed_us > 0"), 2);
    assert_int_equal(
        rig_count(g, "SELECT count(*) FROM run_events e JOIN runs r ON r.id = e.run_id WHERE removed_us > 0"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 3);
    NO(ERR_GONE, retention_keep(&g->svc, &g->c, &a, true, &e));
    OK(retention_keep(&g->svc, &g->c, &b, false, &e));
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
    assert_false(blob_there(g, "shared"));
}

static void the_oldest_go_first(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "1"), b = ended(g, "2"), c = ended(g, "3");
    int64_t each = disk_tree_bytes(g->svc.data_fd, "runs") / 3;

    g->svc.set.retention.max_bytes = 1;
    assert_true(each > 8192);
    assert_int_equal(clean(g, false, 2 * each).runs_removed, 2); /* each frees a little more than its directory */
    assert_false(there(g, &a, ""));
    assert_false(there(g, &b, ""));
    assert_true(there(g, &c, ""));
}

/* Who began to follow a run while it was open, and reads only when all of it is gone, is told so. */
static void a_follower_too_late(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}],\"review\":\"plan\"}");
    AUTO_PTR(stream_close) struct stream *s = NULL;
    struct stream_item item;
    int r;

    rig_planned(g, &id);
    OK(stream_open(&g->svc, "default", &id, NULL, &s, &e));
    OK(runs_reject(&g->svc, &g->c, &id, NULL, &e));
    struct lease l = rig_claim(g, "finish");
    OK(runs_finish(&g->svc, &l, NULL, 0, &e));
    g->svc.set.retention.failed_runs_ms = 1;
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
    while ((r = stream_next(s, &item, NULL)) == 1)
        ;
    assert_int_equal(r, -ERR_GONE);
}

/* Marked, and killed before anything was unlinked: the next pass does the rest. */
static void half_done(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one");
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM runs WHERE id = '%s' AND removing = 1", a.s);
    rig_sql(g, "UPDATE runs SET removed_us = 5, logs_removed_us = 5, removing = 1");
    rig_sql(g, "UPDATE artifacts SET removed_us = 5");
    assert_int_equal(rig_count(g, sql), 1);
    assert_int_equal(open_stream(g, &a), -ERR_GONE);
    clean(g, false, 0);
    assert_false(there(g, &a, ""));
    assert_false(blob_there(g, "one"));
    assert_int_equal(rig_count(g, sql), 0);
}

/* diff.patch is an artifact's content by another name: its bytes are freed once. */
static void what_is_freed_counts_once(void **state)
{
    struct rig *g = *state;
    static char text[1024 * 1024];
    char sum[SHA256_HEX], blob[128], rel[128];

    memset(text, 'x', sizeof text - 1);
    struct id a = ended(g, text);
    sha256_hex_of(text, strlen(text), sum);
    snprintf(blob, sizeof blob, "blobs/%.2s/%s", sum, sum);
    snprintf(rel, sizeof rel, "runs/%s/diff.patch", a.s);
    assert_int_equal(linkat(g->svc.data_fd, blob, g->svc.data_fd, rel, 0), 0);
    g->svc.set.retention.failed_runs_ms = 1;
    struct retention_done d = clean(g, false, 0);
    assert_int_equal(d.runs_removed, 1);
    assert_false(blob_there(g, text));
    assert_true(d.bytes >= (int64_t)sizeof text && d.bytes < 3 * (int64_t)sizeof text / 2);
}

/* Killed between making the reserve and filling it: the next tick does the rest. */
static void an_empty_reserve_is_filled(void **state)
{
    struct rig *g = *state;
    struct stat st;

    g->svc.set.min_free_bytes = 8 * 64 * 1024;
    OK(file_replace(g->svc.data_fd, DISK_RESERVE, "", 0, 0600, &e));
    disk_reserve_take(&g->svc);
    assert_int_equal(fstatat(g->svc.data_fd, DISK_RESERVE, &st, 0), 0);
    assert_int_equal(st.st_size, 64 * 1024);
    assert_true(st.st_blocks * 512 >= 64 * 1024);
    disk_reserve_take(&g->svc);
    assert_int_equal(fstatat(g->svc.data_fd, DISK_RESERVE, &st, 0), 0);
    assert_int_equal(st.st_size, 64 * 1024);
}

static void whose_sandbox_is_not_cleaned_stays(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one");
    char rel[64];

    snprintf(rel, sizeof rel, "runs/%s/layers", a.s);
    OK(dir_make(g->svc.data_fd, rel, NULL, &e));
    g->svc.set.retention.runs_ms = 1;
    assert_int_equal(clean(g, false, 0).runs_removed, 0);
    OK(dir_remove(g->svc.data_fd, rel, &e));
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
}

static int script_tx(struct db *db, void *arg, struct err *e)
{
    return db_script(db, arg, e);
}

/* More runs than are looked at together cannot go, and are the oldest: those behind them go all the same. */
static void those_that_stay_hold_up_nothing(void **state)
{
    enum { N = 600 };
    struct rig *g = *state;
    struct id a = ended(g, "one");
    char sql[1024], rel[64];

    snprintf(sql, sizeof sql,
             "CREATE TABLE many AS SELECT r.* FROM runs r, (WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
             "FROM c WHERE i < %d) SELECT i FROM c) WHERE r.id = '%s';"
             "UPDATE many SET id = printf('run_%%026d', rowid), finished_us = rowid;"
             "INSERT INTO runs SELECT * FROM many; DROP TABLE many;",
             N, a.s);
    OK(store_write(g->svc.store, script_tx, sql, &e));
    for (int i = 1; i <= N; i++) {
        snprintf(rel, sizeof rel, "runs/run_%026d/layers", i);
        OK(dir_make(g->svc.data_fd, rel, NULL, &e));
    }
    g->svc.set.retention.logs_ms = 1;
    assert_int_equal(clean(g, false, 0).logs_removed, 1);
    assert_false(there(g, &a, "/logs"));
    g->svc.set.retention.runs_ms = 1;
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
    snprintf(rel, sizeof rel, "runs/run_%026d/layers", N);
    OK(dir_remove(g->svc.data_fd, rel, &e));
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
}

static void logs_are_compressed_once(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one"), b = ended(g, "two");
    struct retention_done d = {0};

    OK(retention_pack(&g->svc, clock_now_us(), NULL, NULL, &d, &e));
    assert_int_equal(d.packed, 2);
    assert_true(d.packed_out < d.packed_in);
    assert_true(there(g, &a, "/logs/0.1.log.zst"));
    assert_false(there(g, &b, "/logs/0.1.log"));
    d = (struct retention_done){0};
    OK(retention_pack(&g->svc, clock_now_us(), NULL, NULL, &d, &e));
    assert_int_equal(d.packed, 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE packed_us > 0"), 2);
}

/* What its log would be written to first cannot be removed: it is a directory. */
static void block_packing(struct rig *g, const struct id *run, bool on)
{
    char rel[96];

    snprintf(rel, sizeof rel, "runs/%s/logs/0.1.log.zst.tmp", run->s);
    assert_int_equal(on ? mkdirat(g->svc.data_fd, rel, 0700) : unlinkat(g->svc.data_fd, rel, AT_REMOVEDIR), 0);
}

static void a_log_that_cannot_be_compressed_holds_up_nothing(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one"), b = ended(g, "two");
    struct retention_done d = {0};

    block_packing(g, &a, true);
    OK(retention_pack(&g->svc, clock_now_us(), NULL, NULL, &d, &e));
    assert_int_equal(d.packed, 1);
    assert_int_equal(d.failed, 1);
    assert_true(there(g, &a, "/logs/0.1.log"));
    assert_true(there(g, &b, "/logs/0.1.log.zst"));
    block_packing(g, &a, false);
    OK(retention_pack(&g->svc, clock_now_us(), NULL, NULL, &d, &e));
    assert_int_equal(d.packed, 2);
}

static bool soon(struct rig *g, const struct id *run, const char *what, bool want)
{
    for (int64_t until = clock_mono_us() + 60 * SEC_US; clock_mono_us() < until; clock_sleep_us(10000))
        if (there(g, run, what) == want)
            return true;
    return false;
}

/* On a full disk nothing can be compressed, and the rules make room all the same. */
static void the_rules_do_not_wait_for_compressing(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one");

    g->svc.set.compress = true;
    g->svc.set.retention_every_ms = 100;
    rig_sql(g, "CREATE TRIGGER full BEFORE UPDATE OF packed_us ON runs WHEN NEW.logs_removed_us = 0 BEGIN"
               " SELECT RAISE(ABORT, 'no room'); END");
    g->svc.set.retention.logs_ms = 1;
    clock_sleep_us(3000);
    OK(keeper_start(&g->svc, &e));
    bool gone = soon(g, &a, "/logs", false);
    keeper_stop(&g->svc);
    assert_true(gone);
}

/* Megabytes that compress to half, in the log of a second step. */
static void large_log(struct rig *g, const struct id *run)
{
    static char noise[64 * 1024];
    struct log_writer *w = NULL;
    char rel[64];
    int dir = -1;

    snprintf(rel, sizeof rel, "runs/%s/logs", run->s);
    OK(dir_make(g->svc.data_fd, rel, &dir, &e));
    OK(logfile_open_write(dir, "1.1.log", &w, &e));
    random_bytes(noise, sizeof noise);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] &= 15;
    for (int i = 0; i < 256; i++) {
        noise[i] ^= 1;
        OK(logfile_append(w, LOG_STDOUT, i, noise, sizeof noise, &e));
    }
    logfile_close_write(w);
    close(dir);
}

/* Who asks for the rules to be applied does not wait until all that can be compressed is. (When the whole log was
 * compressed before we asked, that says nothing: another.) */
static void compressing_makes_way(void **state)
{
    struct rig *g = *state;
    bool yes = false;

    g->svc.set.compress = true;
    g->svc.set.retention_every_ms = 100;
    OK(keeper_start(&g->svc, &e));
    for (int i = 0; i < 20 && !yes; i++) {
        struct retention_done d = {0};
        struct id a = ended(g, "one");

        large_log(g, &a);
        rig_sql(g, "UPDATE runs SET packed_us = 0");
        while (!there(g, &a, "/logs/1.1.log.zst.tmp") && there(g, &a, "/logs/1.1.log"))
            clock_sleep_us(1000);
        OK(keeper_clean(&g->svc, true, NULL, &d, &e));
        yes = there(g, &a, "/logs/1.1.log");
        assert_true(soon(g, &a, "/logs/1.1.log", false)); /* and goes on */
    }
    keeper_stop(&g->svc);
    assert_true(yes);
}

static void a_project_says_otherwise(void **state)
{
    struct rig *g = *state;
    struct id a = ended(g, "one");

    g->svc.set.retention.runs_ms = 1;
    rig_sql(g, "UPDATE projects SET settings = '{\"retention\":{\"runs_ms\":0}}'");
    assert_int_equal(clean(g, false, 0).runs_removed, 0);
    rig_sql(g, "UPDATE projects SET settings = '{\"retention\":{\"logs_ms\":1}}'");
    assert_int_equal(clean(g, false, 0).runs_removed, 1);
    assert_false(there(g, &a, ""));
}

static void the_budget_is_judged(void **state)
{
    struct rig *g = *state;
    struct disk_room room;
    struct disk_usage u;

    disk_room(&g->svc, &room);
    assert_int_equal(room.level, DISK_OK);
    ended(g, "one");
    OK(disk_measure(g->svc.data_fd, &u, &e));
    assert_true(u.bytes[DISK_LOGS] > 0 && u.bytes[DISK_ARTIFACTS] > 0 && u.bytes[DISK_DATABASE] > 0);
    g->svc.set.min_free_bytes = INT64_MAX / 4;
    disk_room(&g->svc, &room);
    assert_int_equal(room.level, DISK_REFUSE);
    assert_non_null(strstr(room.why, "min_free"));
    g->svc.set.min_free_bytes = 0;
    g->svc.set.disk_budget_bytes = 1;
    g->svc.set.retention_every_ms = 3600000;
    OK(keeper_start(&g->svc, &e));
    disk_room(&g->svc, &room);
    assert_int_equal(room.level, DISK_REFUSE);
    assert_non_null(strstr(room.why, "disk_budget"));
    const struct json *body = rig_json(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    struct id id;
    NO(ERR_DISK_FULL, runs_create(&g->svc, &g->c, body, &id, &e));
    keeper_stop(&g->svc); /* settings do not change while it runs */
    g->svc.set.disk_budget_bytes = u.total + u.total / 50;
    OK(keeper_start(&g->svc, &e));
    disk_room(&g->svc, &room);
    assert_int_equal(room.level, DISK_TIGHT);
    keeper_stop(&g->svc);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_goes_without_a_rule),
        T(logs_go),
        T(a_follower_too_late),
        T(all_goes_but_what_others_name),
        T(the_oldest_go_first),
        T(half_done),
        T(what_is_freed_counts_once),
        T(an_empty_reserve_is_filled),
        T(whose_sandbox_is_not_cleaned_stays),
        T(those_that_stay_hold_up_nothing),
        T(logs_are_compressed_once),
        T(a_log_that_cannot_be_compressed_holds_up_nothing),
        T(the_rules_do_not_wait_for_compressing),
        T(compressing_makes_way),
        T(a_project_says_otherwise),
        T(the_budget_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
