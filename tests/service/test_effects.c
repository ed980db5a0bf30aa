/* What a run changed, through the services: applied, recorded, and settled when a crash or the world came between. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "sandbox/changes.h"
#include "service/effects.h"

#define FILES     1200
#define DEEP      14  /* directories above each file, with names of … */
#define NAME_LEN  240 /* … this length: paths of 3.4 KiB make a long list of few files */
#define AUDIT_BIG (4 * MIB)

static void put_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    close(fd);
}

/* A layer as a shim leaves it: one file at the top and many below a deep directory. */
static void write_layer(struct rig *g, const struct id *run, const char *layer)
{
    char rel[128], name[NAME_LEN + 1];
    int top, dir;

    memset(name, 'd', NAME_LEN);
    name[NAME_LEN] = '\0';
    snprintf(rel, sizeof rel, "runs/%s/layers/%s/work", run->s, layer);
    OK(dir_make(g->svc.data_fd, rel, NULL, &e));
    snprintf(rel, sizeof rel, "runs/%s/layers/%s/upper", run->s, layer);
    OK(dir_make(g->svc.data_fd, rel, &top, &e));
    snprintf(rel, sizeof rel, "runs/%s/layers/%s/born", run->s, layer);
    put_file(g->svc.data_fd, rel);
    put_file(top, "wanted.txt");
    dir = dup(top);
    for (int i = 0; i < DEEP; i++) {
        int next;

        assert_int_equal(mkdirat(dir, name, 0755), 0);
        next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(dir);
        dir = next;
    }
    for (int i = 0; i < FILES; i++) {
        snprintf(rel, sizeof rel, "file%04d", i);
        put_file(dir, rel);
    }
    close(dir);
    close(top);
}

/* A run whose one step wrote the layer, at its second door. */
static struct id changed_run(struct rig *g)
{
    struct id id =
        rig_run(g, "{\"project_id\":\"hello\",\"review\":\"effects\",\"steps\":[{\"command\":\"make test\"}]}");
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct effects_sum sum;
    struct lease l;
    char dir[RUN_DIR_MAX];
    enum run_node node;
    enum gate gate;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    OK(runs_load(&g->svc, &id, &row, &steps, &e));
    OK(runs_gate(&g->svc, &l, &steps.v[0], true, &gate, &e));
    assert_int_equal(gate, GATE_GO);
    write_layer(g, &id, steps.v[0].layer);
    OK(svc_run_dir(&g->svc, &id, dir, &e));
    OK(changes_seal(dir, steps.v[0].layer, &e));
    free(steps.v[0].state);
    steps.v[0].state = str_dup("succeeded");
    OK(runs_step_done(&g->svc, &l, &steps.v[0], NULL, &e));
    OK(effects_compute(&g->svc, &row, &steps, &sum, &e));
    OK(effects_sum_json(&sum, &b, &e));
    OK(runs_done(&g->svc, &l, b.p, sum.files, sum.digest, &node, &e));
    assert_int_equal(node, RN_AWAITING_APPLY);
    assert_int_equal(sum.files, FILES + 1);
    return id;
}

static char *applied(struct rig *g, const struct id *id)
{
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};
    int64_t files = 0;
    char *json = NULL;

    OK(runs_load(&g->svc, id, &row, &steps, &e));
    OK(effects_apply(&g->svc, &row, &steps, &json, &files, &e));
    assert_int_equal(files, 1);
    return json;
}

static void one_file_of_very_many_is_applied_and_recorded(void **state)
{
    struct rig *g = *state;
    struct id id = changed_run(g);
    AUTO(buf_fini) struct buf b = BUF_INIT(AUDIT_BIG);
    struct jw w = JW_INIT(&b);
    const struct json *skipped;
    struct lease l;
    char *json;

    OK(runs_apply(&g->svc, &g->c, &id, &(struct apply_ask){.picks.paths = rig_json(g, "[\"wanted.txt\"]")}, &e));
    l = rig_claim(g, "apply");
    json = applied(g, &id);
    assert_true(strlen(json) < 256 * KIB);
    skipped = json_get(rig_json(g, json), "skipped");
    assert_string_equal(json_str(json_get(json_at(skipped, json_len(skipped) - 1), "path")), ".");
    OK(runs_applied(&g->svc, &l, json, 1, &e));
    free(json);
    assert_string_equal(rig_state(g, &id), "finishing");
    OK(runs_get_json(&g->svc, "default", &id, &w, &e));
    assert_int_equal(b.bad, 0);
    buf_reset(&b);
    w = (struct jw)JW_INIT(&b);
    OK(audits_verify_json(&g->svc, "default", &w, &e));
    assert_true(json_true(json_get(rig_json(g, b.p), "ok")));
}

static void a_project_that_is_gone_does_not_keep_its_run_from_ending(void **state)
{
    struct rig *g = *state;
    struct id id = changed_run(g);
    AUTO(run_row_fini) struct run_row row = {0};
    struct lease l;
    char *json;
    int64_t files = 0;

    OK(runs_apply(&g->svc, &g->c, &id, &(struct apply_ask){.picks.paths = rig_json(g, "[\"wanted.txt\"]")}, &e));
    l = rig_claim(g, "apply");
    json = applied(g, &id); /* … and before this is recorded, the server dies and the folder is removed */
    free(json);
    json = NULL;
    OK(dir_remove(AT_FDCWD, g->project, &e));
    OK(runs_fail(&g->svc, &l, "failed", ERR_NOT_FOUND, NULL, &e));
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    OK(effects_settle(&g->svc, &row, &json, &files, &e));
    assert_null(json);
}

/* "d…/d…/…/file0007" */
static char *deep_path(void)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);

    for (int i = 0; i < DEEP; i++) {
        for (int k = 0; k < NAME_LEN; k++)
            buf_addc(&b, 'd');
        buf_addc(&b, '/');
    }
    buf_puts(&b, "file0007");
    return str_dup(b.p);
}

static void refused_by_conflict(struct rig *g, const struct id *id, const char *paths, const char *names)
{
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};
    const struct json *conflicts;
    enum run_node node;
    struct lease l;
    char *json = NULL;
    int64_t files = 0;

    OK(runs_apply(&g->svc, &g->c, id, &(struct apply_ask){.picks.paths = paths ? rig_json(g, paths) : NULL}, &e));
    l = rig_claim(g, "apply");
    OK(runs_load(&g->svc, id, &row, &steps, &e));
    NO(ERR_APPLY_CONFLICT, effects_apply(&g->svc, &row, &steps, &json, &files, &e));
    conflicts = json_get(rig_json(g, json), "conflicts");
    assert_int_equal(json_len(conflicts), 1);
    assert_string_equal(json_str(json_get(json_at(conflicts, 0), "path")), names);
    OK(runs_conflict(&g->svc, &l, json, "moved on", &node, &e));
    free(json);
    assert_string_equal(rig_state(g, id), "awaiting_apply");
}

/* What moved on is named and stays; what was reviewed and did not move can be applied by name, to the byte. */
static void a_file_that_moved_on_keeps_only_itself_back(void **state)
{
    struct rig *g = *state;
    struct id id = changed_run(g);
    AUTO(buf_fini) struct buf paths = BUF_INIT(16 * KIB);
    char *deep = deep_path(), *json;
    char rel[PATH_MAX];
    int dir = open(g->project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};

    put_file(dir, "wanted.txt");
    OK(file_replace(dir, "wanted.txt", "mine", 4, 0644, &e));
    refused_by_conflict(g, &id, NULL, "wanted.txt");
    refused_by_conflict(g, &id, "[\"wanted.txt\"]", "wanted.txt");
    buf_printf(&paths, "[\"%s\"]", deep);
    OK(runs_apply(&g->svc, &g->c, &id, &(struct apply_ask){.picks.paths = rig_json(g, paths.p)}, &e));
    (void)rig_claim(g, "apply");
    json = applied(g, &id);
    free(json);
    *strchr(deep, '/') = '\0';
    OK(dir_remove(dir, deep, &e));
    OK(dir_remove(dir, "wanted.txt", &e));
    free(deep);
    close(dir);

    /* A layer that no longer holds what was reviewed is not applied either. */
    id = changed_run(g);
    OK(runs_load(&g->svc, &id, &row, &steps, &e));
    snprintf(rel, sizeof rel, "runs/%s/layers/%s/upper/wanted.txt", id.s, steps.v[0].layer);
    OK(file_replace(g->svc.data_fd, rel, "forged", 6, 0644, &e));
    refused_by_conflict(g, &id, "[\"wanted.txt\"]", "wanted.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_file_of_very_many_is_applied_and_recorded, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_project_that_is_gone_does_not_keep_its_run_from_ending, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_file_that_moved_on_keeps_only_itself_back, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("effects", tests, NULL, NULL);
}
