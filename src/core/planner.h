/* planner - from an intent to a plan, without a model.
 *
 * Why it exists: common jobs (test, build, lint, format, clean, report) need no
 * model; a model plugs into the same interface later (struct planner).
 * May include: base core/plan.  Pure: what a project holds is an argument.  Threads: any.
 *
 *   intent ─ planner_words ─► tokens ─ planner_grammar ─► jobs in order ─┐
 *   facts ───────────────────────────── recipe ─► how this project does a job ─┴─► plan
 *
 * Honest before clever: when a meaningful part of the intent is not understood, or the project has no way to do a
 * job, there is no plan at all, never half of one. Commands come only from recipe.def, never from the intent. */
#pragma once
#include "core/plan.h"

/* What a service must look at in the project's root (name may have one '/'), NULL-terminated.
 * A name with a `*` is PLANNER_PYTHON_TESTS: see planner_files.def.
 * read: its text is wanted too (at most PLANNER_TEXT_MAX; a longer file is given cut). */
#define PLANNER_TEXT_MAX     (256 * KIB)
#define PLANNER_INTENT_MAX   (4 * KIB)
#define PLANNER_PYTHON_TESTS "test_*.py"
struct planner_file {
    const char *name;
    bool dir;
    bool read;
};
const struct planner_file *planner_files(void);

/* Facts, parallel to planner_files(): text is NULL when not read or not there. v beyond n counts as not there. */
struct planner_fact {
    bool there;
    const char *text;
    size_t n;
};
struct project_facts {
    const struct planner_fact *v;
    size_t n;
};

/* ERR_INTENT names the words that were not understood, what would be, and what this project offers.
 * ERR_INVALID (field "intent"): not UTF-8, or longer than PLANNER_INTENT_MAX.
 * Titles, reasons, notes and ERR_INTENT are Chinese when the intent holds a Chinese character, else English. */
CHECKED int planner_make(const char *intent, const struct project_facts *, struct plan **ret, struct err *);

/* What a worker is given: the built-in planner, or later a model. */
struct planner {
    int (*make)(void *arg, const char *intent, const struct project_facts *, struct plan **ret, struct err *);
    void *arg;
};
struct planner planner_builtin(void);
