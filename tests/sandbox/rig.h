/* rig - a project, a run directory and a sandbox for tests, and what a step left in its log.
 *
 * May include: base os sandbox/sandbox.h.   One per test. */
#pragma once
#include "base/buf.h"
#include "sandbox/sandbox.h"

struct rig {
    char base[128], project[256], run[256];
    struct sandbox_spec spec;
    struct sandbox *sb;
    struct step_exit x;       /* of the last step */
    struct buf out, err, sys; /* its log */
    int next;                 /* index of the next step */
    const char *const *env, *const *secrets, *const *lower;
    int64_t wall_ms;
    int cols, rows; /* of the next steps' terminal; 0: none */
    const char *cwd;
};

void rig_init(struct rig *);
void rig_file(struct rig *, const char *rel, const char *text); /* in the project */
void rig_open(struct rig *);
void rig_start(struct rig *, const char *command); /* begins a step; its index is next - 1 */
enum sandbox_event rig_wait(struct rig *, int ms); /* until it ends or the time is over; reads its log */
void rig_run(struct rig *, const char *command);   /* start, wait, assert that it ended */
void rig_argv(struct rig *, const char *const *argv);
void rig_read_log(struct rig *, int index);
void rig_close(struct rig *); /* destroys the sandbox; asserts that nothing is left */
void rig_fini(struct rig *);
bool rig_process_with(const char *word); /* does any process of this host have it in its command line? */
bool rig_has(const struct buf *, const char *text);
bool rig_hard_disk(const struct rig *); /* the disk limit is a quota; rig_open was called */
int rig_slowness(void);                 /* factor for bounds in time: $TEST_SLOW, for an emulated machine (tests/vm) */
