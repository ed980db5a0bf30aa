/* plan - the ordered steps proposed for a run: reading, checking, writing, hashing.
 *
 * Why it exists: what a person reviews, what is stored and what runs is one
 * structure with one canonical form.
 * May include: base.  Pure.  Threads: any; a struct plan has one owner.
 * Limits: 1..64 steps; command at most 64 KiB; argv 1..256 words, 64 KiB together; title at most 200 bytes; cwd plain
 * relative (no "..", not absolute), at most 1024; env_names at most 64; wall_ms at most 7 days; notes at most 16;
 * everything UTF-8 without NUL; titles, reasons and notes without control and invisible characters, since a person
 * decides by them. */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

#define PLAN_STEPS_MAX 64
#define PLAN_TTY_MAX   4096 /* columns and rows of a terminal */
#define PLAN_TTY_COLS  80
#define PLAN_TTY_ROWS  24

struct plan_step {
    char *kind;    /* "command" */
    char *title;   /* never NULL: made from the command when none was given */
    char *reason;  /* why the planner proposes it; NULL when given by the user */
    char *command; /* shell text, or NULL … */
    char **argv;   /* … then these words; argv[nargv] is NULL */
    size_t nargv;
    char *cwd;        /* relative to the workspace, without "." and doubled "/"; "" = the workspace itself */
    char **env_names; /* variables of the run this step sees; none given: all of the run's */
    size_t nenv;
    int64_t wall_ms; /* 0 = the run's limit */
    int cols, rows;  /* of its terminal, 1..PLAN_TTY_MAX; both 0: it has none */
};
struct plan {
    char *title;
    char **notes;
    size_t nnotes;
    struct plan_step *steps;
    size_t nsteps;
};
CHECKED struct plan *plan_new(void); /* NULL on out-of-memory; title NULL: whoever builds a plan fills it */
void plan_free(struct plan *);
DEFINE_AUTO_PTR(struct plan, plan_free);
/* For planners: all text is copied, and must keep the limits above. NULL title: made from the command. */
CHECKED int plan_add_command(struct plan *, const char *title, const char *reason, const char *command, struct err *);
CHECKED int plan_add_note(struct plan *, const char *note, struct err *);

/* From user-given steps: the array of StepRequest {command | argv, title?, cwd?, env_names?, wall_ms?, pty?, cols?,
 * rows?, kind?, reason?}.
 * path names it in errors ("steps"). Unknown members are refused, but "index" and "decision" of an echoed plan are
 * ignored, and its nulls (command or argv, reason, wall_ms) count as absent. */
CHECKED int plan_from_steps(const struct json *steps, const char *path, struct plan **ret, struct err *);
/* From plan_json's own output (stored plans). */
CHECKED int plan_from_json(const struct json *, struct plan **ret, struct err *);
/* One step's members, inside an open object, without decision: index, kind, title, reason, command, argv, cwd,
 * env_names, wall_ms (what has no value is null); pty, cols and rows only where it has a terminal. */
void plan_step_members(struct jw *, const struct plan_step *, size_t index);
/* {"title","notes":[…],"steps":[{…}]} */
void plan_json(struct jw *, const struct plan *);
/* sha256 (hex) of the canonical JSON of what will run: per step kind, command or argv, cwd, env_names (sorted),
 * wall_ms, and that it has a terminal; and network. Titles, reasons and notes are not in it: they do not run. */
CHECKED int plan_hash(const struct plan *, bool network, char ret[SHA256_HEX], struct err *);
