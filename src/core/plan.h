/* plan - the ordered steps proposed for a run: reading, checking, writing, hashing.
 *
 * Why it exists: what a person reviews, what is stored and what runs is one
 * structure with one canonical form.
 * May include: base.  Pure.  Threads: any; a struct plan has one owner.
 * Limits: 1..64 steps; command at most 64 KiB; argv 1..256 words; title at most 200 bytes; cwd plain relative
 * (no "..", not absolute), at most 1024; everything UTF-8 without NUL. */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

#define PLAN_STEPS_MAX 64

struct plan_step {
    char *kind;               /* "command" */
    char *title;              /* never NULL: made from the command when none was given */
    char *reason;             /* why the planner proposes it; NULL when given by the user */
    char *command;            /* shell text, or NULL … */
    char **argv; size_t nargv;/* … then these words; argv[nargv] is NULL */
    char *cwd;                /* relative to the workspace; "" */
    char **env_names; size_t nenv;   /* variables of the run this step sees; none given: all of the run's */
    int64_t wall_ms;          /* 0 = the run's limit */
};
struct plan {
    char *title;
    char **notes; size_t nnotes;
    struct plan_step *steps; size_t nsteps;
};
void plan_free(struct plan *);
DEFINE_AUTO_PTR(struct plan, plan_free);

/* From user-given steps: the array of StepRequest {command | argv, title?, cwd?, env_names?, wall_ms?, kind?, reason?}.
 * path names it in errors ("steps"). Unknown members are refused, but "index" and "decision" of an echoed plan are ignored. */
CHECKED int plan_from_steps(const struct json *steps, const char *path, struct plan **ret, struct err *);
/* From plan_json's own output (stored plans). */
CHECKED int plan_from_json(const struct json *, struct plan **ret, struct err *);
/* One step's members, inside an open object, without decision: index, kind, title, reason, command, argv, cwd, env_names, wall_ms. */
void plan_step_members(struct jw *, const struct plan_step *, size_t index);
/* {"title","notes":[…],"steps":[{…}]} */
void plan_json(struct jw *, const struct plan *);
/* sha256 (hex) of the canonical JSON of what will run: per step kind, command or argv, cwd, env_names (sorted), wall_ms; and network. */
CHECKED int plan_hash(const struct plan *, bool network, char ret[SHA256_HEX], struct err *);
