/* show - plans, runs, steps, changes and verdicts as text.
 *
 * Why it exists: a thing looks the same whichever command shows it.
 * May include: base/ cli/ui.h.   Threads: one.
 *
 * Every function takes the API's JSON shape of that name (docs/API.md); a member
 * that is missing or of another type shows as if it were null. */
#pragma once
#include "base/json.h"
#include "cli/ui.h"

/* o.key as a string, NULL when it is none. */
const char *show_str(const struct json *o, const char *key);
int64_t show_int(const struct json *o, const char *key);
/* "2026-11-20 23:44:01" in local time; "" for null. */
const char *show_time(char room[32], const struct json *o, const char *key);

enum ui_style show_action_style(const char *action); /* allow, ask, deny */
enum ui_style show_state_style(const char *state);   /* of runs, steps and approvals */

/* Command text or argv as one shell line; "" when there is neither. */
void show_command(struct buf *out, const struct json *o);
/* Plan: every step with the policy's answer and its reason; all of its text, whatever the width. */
void show_plan(struct ui *, const struct json *plan);
/* {"files","additions","deletions","refused","items":[Change]}; at most `max` items (0: all). */
void show_changes(struct ui *, const struct json *changes, size_t max);
/* "changes: 2 files, +14 −0" and a line feed. */
void show_totals(struct ui *, const char *label, const struct json *changes);
/* "step 2/3  ok in 1.2 s" of a finished Step; total 0: unknown. */
void show_step_end(struct ui *, const struct json *step, size_t total);
void show_step_head(struct ui *, const struct json *step, size_t total);
/* Run with steps and artifacts. */
void show_run(struct ui *, const struct json *run);
/* "succeeded in 3.1 s   report.md  audit.json  diff.patch" */
void show_end(struct ui *, const struct json *run);
/* Run.apply: what conflicted, what was left out. */
void show_conflicts(struct ui *, const struct json *run);
void show_approval(struct ui *, const struct json *approval);
void show_verdict(struct ui *, const struct json *verdict);
/* What is wrong with a policy, of the error the server answered with. */
void show_problems(struct ui *, const struct json *answer);
/* Position of a step as people count: from 1. */
int64_t show_step_number(const struct json *step);
