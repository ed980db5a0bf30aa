/* recipe - how a project does a job: which command, and what in the project says so.
 *
 * Why it exists: knowledge about build tools is data (recipe.def), not code.
 * May include: base core/planner.h.  Pure.  Threads: any. */
#pragma once
#include "core/planner.h"

enum job {
    JOB_NONE,
#define JOB(id, en, zh, title_en, title_zh) JOB_##id,
#include "core/recipe.def"
    JOB_N
};

enum eco {
    ECO_ANY = -1,
#define ECO(id, name, markers) ECO_##id,
#include "core/recipe.def"
    ECO_N
};

const char *job_name(int job, bool chinese);  /* "test" "测试": as in "clean, build, test" */
const char *job_title(int job, bool chinese); /* "Run the tests" */
const char *eco_name(int eco);                /* "make" */

bool recipe_there(const struct project_facts *, const char *file);
/* Does the project use it at all? */
bool recipe_eco_there(const struct project_facts *, int eco);

#define RECIPE_COMMAND_MAX 256
struct recipe {
    int job, eco;
    int first;                        /* a job that must be done before it, JOB_NONE */
    char command[RECIPE_COMMAND_MAX]; /* "" = nothing is to be done here (reason says why) */
    char reason[256];
};
/* The best recipe of the ecosystem (or of all, in order), with its reason. A unit test falls back to the tests.
 * False when the project offers none. */
bool recipe_find(const struct project_facts *, int job, int eco, bool chinese, struct recipe *ret);
