/* recipe - see recipe.h.
 *
 * May include: base core/planner.h.  Pure.  Threads: any. */
#include "core/recipe.h"
#include "core/recipe_read.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

enum need { ALWAYS, HAS, LACKS, TARGET, DEFAULT, SCRIPT, TEXT };

static const struct {
    const char *en, *zh, *title_en, *title_zh;
} jobs[JOB_N] = {
    [JOB_NONE] = {"", "", "", ""},
#define JOB(id, en, zh, title_en, title_zh) [JOB_##id] = {en, zh, title_en, title_zh},
#include "core/recipe.def"
};

static const struct {
    const char *name, *markers;
} ecos[ECO_N] = {
#define ECO(id, name, markers) [ECO_##id] = {name, markers},
#include "core/recipe.def"
};

static const struct row {
    int eco, job;
    enum need need;
    const char *subject, *command;
    int first;
} rows[] = {
#define RECIPE(eco, job, need, subject, command, first) {ECO_##eco, JOB_##job, need, subject, command, JOB_##first},
#include "core/recipe.def"
};

const char *job_name(int job, bool chinese)
{
    return chinese ? jobs[job].zh : jobs[job].en;
}

const char *job_title(int job, bool chinese)
{
    return chinese ? jobs[job].title_zh : jobs[job].title_en;
}

const char *eco_name(int eco)
{
    return ecos[eco].name;
}

static const struct planner_fact *fact(const struct project_facts *f, const char *name, size_t len)
{
    const struct planner_file *files = planner_files();

    for (size_t i = 0; files[i].name && i < f->n; i++)
        if (strlen(files[i].name) == len && memcmp(files[i].name, name, len) == 0)
            return f->v[i].there ? &f->v[i] : NULL;
    return NULL;
}

bool recipe_there(const struct project_facts *f, const char *file)
{
    return fact(f, file, strlen(file)) != NULL;
}

/* The first of "a|b|c" that is there, copied to ret. */
static const struct planner_fact *first_of(const struct project_facts *f, const char *names, char *ret, size_t cap)
{
    for (const char *s = names; *s;) {
        size_t n = strcspn(s, "|");
        const struct planner_fact *hit = fact(f, s, n);
        if (hit) {
            snprintf(ret, cap, "%.*s", (int)n, s);
            return hit;
        }
        s += n + (s[n] == '|');
    }
    return NULL;
}

/* The file that shows the ecosystem. gnulib's GNUmakefile, in releases of GNU, only hands on to the Makefile that
 * configure will make: until then it is none. */
static const struct planner_fact *marker_of(const struct project_facts *f, int eco, char *ret, size_t cap)
{
    const struct planner_fact *m = first_of(f, ecos[eco].markers, ret, cap);

    if (m && eco == ECO_MAKE && str_eq(ret, "GNUmakefile") && !recipe_there(f, "Makefile") &&
        (recipe_there(f, "configure") || recipe_there(f, "configure.ac")))
        return NULL;
    return m;
}

bool recipe_eco_there(const struct project_facts *f, int eco)
{
    char name[32];

    return marker_of(f, eco, name, sizeof name) != NULL;
}

/* "file|text" */
static bool holds_text(const struct project_facts *f, const char *subject)
{
    const char *bar = strchr(subject, '|');
    const struct planner_fact *hit = bar ? fact(f, subject, (size_t)(bar - subject)) : NULL;

    return hit && hit->text && memmem(hit->text, hit->n, bar + 1, strlen(bar + 1));
}

#define SAY(en, zh, ...) snprintf(out->reason, sizeof out->reason, chinese ? zh : en, __VA_ARGS__)

/* Is the row's need met? Then the reason says by what. marker: the file that shows the ecosystem. */
static bool met(const struct row *row, const struct project_facts *f, bool chinese, struct recipe *out)
{
    char marker[32] = "", goal[64] = "";
    const struct planner_fact *m = marker_of(f, row->eco, marker, sizeof marker);
    const char *s = row->subject, *text;

    if (!m)
        return false;
    switch (row->need) {
    case ALWAYS:
        SAY("%s is there", "项目里有 %s", marker);
        return true;
    case HAS:
        SAY("%s is there", "项目里有 %s", s);
        return recipe_there(f, s);
    case LACKS:
        SAY("%s is not there yet", "还没有 %s", s);
        return !recipe_there(f, s);
    case TARGET:
        SAY("%s has a target `%s`", "%s 里有目标 `%s`", marker, s);
        return recipe_make_target(m->text, m->n, s, NULL, 0);
    case DEFAULT:
        if (!recipe_make_target(m->text, m->n, NULL, goal, sizeof goal))
            return false;
        SAY("%s has a default target `%s`", "%s 的默认目标是 `%s`", marker, goal);
        return true;
    case SCRIPT:
        SAY("%s has a script \"%s\"", "%s 里有脚本 \"%s\"", marker, s);
        return recipe_npm_script(m->text, m->n, s);
    case TEXT:
        text = s + strcspn(s, "|") + 1;
        text += *text == '\n';
        SAY("%.*s mentions %.*s", "%.*s 里写有 %.*s", (int)strcspn(s, "|"), s, (int)strcspn(text, "\n"), text);
        return holds_text(f, s);
    }
    return false;
}

/* A script runs by the package manager whose lock file is there. */
static void script_command(const struct project_facts *f, const char *script, struct recipe *out)
{
    const char *how = recipe_there(f, "pnpm-lock.yaml") ? "pnpm run"
                      : recipe_there(f, "yarn.lock")    ? "yarn run"
                                                        : "npm run";

    if (str_eq(how, "npm run") && str_eq(script, "test"))
        snprintf(out->command, sizeof out->command, "npm test");
    else
        snprintf(out->command, sizeof out->command, "%s %s", how, script);
}

static bool find_in(const struct project_facts *f, int job, int eco, bool chinese, struct recipe *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if (row->eco != eco || row->job != job || !met(row, f, chinese, out))
            continue;
        out->job = job;
        out->eco = eco;
        out->first = row->first;
        if (row->need == SCRIPT)
            script_command(f, row->subject, out);
        else
            snprintf(out->command, sizeof out->command, "%s", row->command);
        return true;
    }
    return false;
}

bool recipe_find(const struct project_facts *f, int job, int eco, bool chinese, struct recipe *ret)
{
    struct recipe out;

    for (int i = 0; i < ECO_N; i++) {
        if (eco != ECO_ANY && eco != i)
            continue;
        if (find_in(f, job, i, chinese, &out) || (job == JOB_UNIT && find_in(f, JOB_TEST, i, chinese, &out))) {
            out.job = job;
            *ret = out;
            return true;
        }
    }
    return false;
}
