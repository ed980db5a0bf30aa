/* plan_limits - the limits of a plan and the checks of its texts: shared by plan.c (builds) and plan_read.c (reads).
 *
 * May include: base.  Pure.  Private to core/plan*. */
#pragma once
#include "core/plan.h"

#define PLAN_COMMAND_MAX  (64 * KIB)
#define PLAN_ARGV_MAX     256
#define PLAN_TITLE_MAX    200
#define PLAN_REASON_MAX   1000
#define PLAN_CWD_MAX      1024
#define PLAN_ENV_MAX      64
#define PLAN_ENV_NAME_MAX 128
#define PLAN_WALL_MS_MAX  ((int64_t)7 * 24 * 3600 * 1000)
#define PLAN_NOTES_MAX    16
#define PLAN_NOTE_MAX     1000

/* Valid UTF-8 on one line, without control characters and without what utf8_deceptive names. */
bool plan_text_plain(const char *s);
/* The next free step (zeroed), or NULL when there are PLAN_STEPS_MAX. */
struct plan_step *plan_next_step(struct plan *);
/* What every finished step has: a kind, a title, a cwd. */
CHECKED int plan_step_defaults(struct plan_step *, struct err *);
/* The title of a plan that came without one. */
CHECKED int plan_default_title(struct plan *, struct err *);
