/* planner - from an intent to a plan, without a model.
 *
 * Why it exists: common jobs (test, build, lint, format, clean, report) need no
 * model; a model plugs into the same interface later.
 * May include: base core/plan.  Pure: what a project holds is an argument.  Threads: any. */
#pragma once
#include "core/plan.h"

/* What a service must look at in the project's root, NULL-terminated. read: its text is wanted too (at most PLANNER_TEXT_MAX). */
#define PLANNER_TEXT_MAX (256 * KIB)
struct planner_file { const char *name; bool dir; bool read; };
const struct planner_file *planner_files(void);

/* Facts, parallel to planner_files(): text is NULL when not read or not there. */
struct planner_fact { bool there; const char *text; size_t n; };
struct project_facts { const struct planner_fact *v; size_t n; };

/* ERR_INTENT names the words that were not understood, what would be, and what this project offers. */
CHECKED int planner_make(const char *intent, const struct project_facts *, struct plan **ret, struct err *);
