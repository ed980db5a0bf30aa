/* planner - see planner.h: puts the jobs that are wished for and the recipes of the project together.
 *
 * May include: base core/plan.h.  Pure.  Threads: any. */
#include "core/planner.h"
#include "core/planner_words.h"
#include "core/recipe.h"
#include "core/recipe_read.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

const struct planner_file *planner_files(void)
{
    static const struct planner_file files[] = {
#define PFILE(name, dir, read) {name, dir, read},
#include "core/planner_files.def"
#undef PFILE
        {NULL, false, false},
    };

    return files;
}

/* "test (make test), build (make all)": what can be asked for here; "" when nothing. */
static void offers(const struct project_facts *f, bool zh, struct buf *out)
{
    struct recipe r;

    for (int job = JOB_NONE + 1; job < JOB_REPORT; job++) {
        if (job == JOB_CONFIGURE || job == JOB_CHECK || !recipe_find(f, job, ECO_ANY, zh, &r) || !r.command[0])
            continue;
        if (job == JOB_UNIT && !strstr(r.command, "unit"))
            continue;
        buf_printf(out, zh ? "%s%s（%s）" : "%s%s (%s)", out->len ? (zh ? "、" : ", ") : "", job_name(job, zh),
                   r.command);
    }
}

/* What is wrong first, then what would be understood, then what this project offers. */
static int refuse(const struct project_facts *f, bool zh, const char *what, struct err *e)
{
    AUTO(buf_fini) struct buf can = BUF_INIT(4 * KIB);

    offers(f, zh, &can);
    if (can.bad)
        return err_set(e, -can.bad, NULL);
    if (zh)
        return err_field(e, ERR_INTENT, "intent",
                         "%s。能理解的有：测试、构建、代码检查、格式化、清理、报告，以及它们的先后顺序。%s%s。", what,
                         can.len ? "这个项目可用："
                                 : "在项目根目录没有找到能识别的构建文件（Makefile、package.json、pyproject.toml 等）",
                         can.len ? can.p : "");
    return err_field(
        e, ERR_INTENT, "intent", "%s. Understood are: test, build, lint, format, clean, report, and their order. %s%s.",
        what,
        can.len ? "This project offers: "
                : "No build file that is known (Makefile, package.json, pyproject.toml …) is in the project's root",
        can.len ? can.p : "");
}

static int refuse_unknown(const struct wish *w, const struct project_facts *f, struct err *e)
{
    char what[384];

    snprintf(what, sizeof what, w->chinese ? "没有理解：%s" : "not understood: %s", w->unknown);
    return refuse(f, w->chinese, what, e);
}

static int refuse_empty(const struct wish *w, const struct project_facts *f, struct err *e)
{
    const char *what = w->chinese ? "没有说要做什么" : "it says nothing to do";

    if (w->nleft)
        what = w->chinese ? "只说了不做什么，没有说要做什么" : "it says only what is not to be done";
    else if (w->report)
        what = w->chinese ? "每次运行结束都会生成报告；请说明要运行什么"
                          : "a report is written at the end of every run: say what is to be run";
    return refuse(f, w->chinese, what, e);
}

static int refuse_job(const struct wish *w, const struct wish_job *j, const struct project_facts *f, struct err *e)
{
    char what[256];
    const char *with = j->eco == ECO_ANY ? "" : eco_name(j->eco);

    if (w->chinese)
        snprintf(what, sizeof what, "这个项目没有办法%s%s“%s”", *with ? "用 " : "做", with, job_name(j->job, true));
    else
        snprintf(what, sizeof what, "this project has no way to do \"%s\"%s%s", job_name(j->job, false),
                 *with ? " with " : "", with);
    return refuse(f, w->chinese, what, e);
}

/* "make" and "go" are English verbs too: as tools they are a preference, no more. */
static bool find(const struct project_facts *f, const struct wish_job *j, bool zh, struct recipe *ret)
{
    if (recipe_find(f, j->job, j->eco, zh, ret))
        return true;
    return (j->eco == ECO_MAKE || j->eco == ECO_GO) && recipe_find(f, j->job, ECO_ANY, zh, ret);
}

static bool left_out(const struct wish *w, int job)
{
    for (size_t i = 0; i < w->nleft; i++)
        if (w->left_out[i].job == job)
            return true;
    return false;
}

static bool planned(const struct plan *p, const char *command)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (str_eq(p->steps[i].command, command))
            return true;
    return false;
}

static int add_step(struct plan *p, const struct recipe *r, int needed_by, bool zh, struct err *e)
{
    char reason[512];

    if (needed_by == JOB_NONE)
        snprintf(reason, sizeof reason, "%s", r->reason);
    else
        snprintf(reason, sizeof reason, zh ? "%s；“%s”之前需要" : "%s; needed before \"%s\"", r->reason,
                 job_name(needed_by, zh));
    return plan_add_command(p, job_title(r->job, zh), reason, r->command, e);
}

/* The job, after what must be done before it. Depth: the longest chain of `first` in recipe.def. */
static int add_recipe(struct plan *p, const struct wish *w, const struct project_facts *f, const struct recipe *r,
                      int needed_by, int depth, struct err *e)
{
    struct recipe before;

    if (r->first != JOB_NONE && depth < JOB_N && !left_out(w, r->first) &&
        recipe_find(f, r->first, r->eco, w->chinese, &before)) {
        int rc = add_recipe(p, w, f, &before, r->job, depth + 1, e);
        if (rc < 0)
            return rc;
    }
    if (!r->command[0] || planned(p, r->command))
        return 0;
    return add_step(p, r, needed_by, w->chinese, e);
}

static int add_nothing_note(struct plan *p, const struct recipe *r, bool zh, struct err *e)
{
    char note[512];

    snprintf(note, sizeof note, zh ? "%s：无事可做（%s）" : "%s: nothing to do (%s)", job_name(r->job, zh), r->reason);
    return plan_add_note(p, note, e);
}

static int add_jobs(struct plan *p, const struct wish *w, const struct project_facts *f, struct err *e)
{
    struct recipe r;

    for (size_t i = 0; i < w->n; i++) {
        if (!find(f, &w->jobs[i], w->chinese, &r))
            return refuse_job(w, &w->jobs[i], f, e);
        int rc = r.command[0] ? add_recipe(p, w, f, &r, JOB_NONE, 0, e) : add_nothing_note(p, &r, w->chinese, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_left_out_note(struct plan *p, const struct wish *w, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);

    buf_puts(&b, w->chinese ? "按要求不做：" : "left out, as asked: ");
    for (size_t i = 0; i < w->nleft; i++)
        buf_printf(&b, "%s%s", i ? (w->chinese ? "、" : ", ") : "", job_name(w->left_out[i].job, w->chinese));
    if (b.bad)
        return err_set(e, -b.bad, NULL);
    return plan_add_note(p, b.p, e);
}

/* Without the network, which a run has not unless it asks, npm cannot fetch what is missing. */
static bool modules_missing(const struct plan *p, const struct project_facts *f)
{
    const struct planner_file *files = planner_files();
    bool npm = false;

    for (size_t i = 0; i < p->nsteps; i++)
        npm |= strncmp(p->steps[i].command, "npm ", 4) == 0 || strstr(p->steps[i].command, " run ");
    if (!npm || recipe_there(f, "node_modules"))
        return false;
    for (size_t i = 0; files[i].name && i < f->n; i++)
        if (str_eq(files[i].name, "package.json"))
            return f->v[i].text && recipe_npm_needs(f->v[i].text, f->v[i].n);
    return false;
}

static int add_notes(struct plan *p, const struct wish *w, const struct project_facts *f, struct err *e)
{
    int r = 0;

    if (w->report)
        r = plan_add_note(p,
                          w->chinese ? "报告 report.md 在每次运行结束时自动生成"
                                     : "the report, report.md, is written at the end of every run",
                          e);
    if (r == 0 && w->nleft)
        r = add_left_out_note(p, w, e);
    if (r == 0 && modules_missing(p, f))
        r = plan_add_note(p,
                          w->chinese ? "没有 node_modules：package.json 里的依赖需要先安装（npm ci，需要网络）"
                                     : "node_modules is not there: the dependencies of package.json must be installed "
                                       "first (npm ci, which needs the network)",
                          e);
    return r;
}

/* "clean, build, test, report" */
static int make_title(struct plan *p, const struct wish *w, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);

    for (size_t i = 0; i < w->n && b.len < 160; i++)
        buf_printf(&b, "%s%s", i ? (w->chinese ? "、" : ", ") : "", job_name(w->jobs[i].job, w->chinese));
    if (w->report)
        buf_printf(&b, "%s%s", w->chinese ? "、" : ", ", job_name(JOB_REPORT, w->chinese));
    p->title = buf_take(&b, NULL);
    return p->title ? 0 : err_oom(e);
}

static int make_plan(const struct wish *w, const struct project_facts *f, struct plan *p, struct err *e)
{
    int r = add_jobs(p, w, f, e);

    if (r < 0)
        return r;
    if (p->nsteps == 0)
        return refuse(f, w->chinese, p->nnotes ? p->notes[0] : "", e);
    r = add_notes(p, w, f, e);
    return r < 0 ? r : make_title(p, w, e);
}

int planner_make(const char *intent, const struct project_facts *f, struct plan **ret, struct err *e)
{
    AUTO_PTR(words_free) struct words *words = NULL;
    AUTO_PTR(plan_free) struct plan *p = NULL;
    struct wish w;

    int r = words_of(intent, &words, e);
    if (r < 0)
        return r;
    wish_of(words, &w);
    if (w.unknown[0])
        return refuse_unknown(&w, f, e);
    if (w.n == 0)
        return refuse_empty(&w, f, e);
    p = plan_new();
    if (!p)
        return err_oom(e);
    r = make_plan(&w, f, p, e);
    if (r == 0)
        *ret = TAKE(p);
    return r;
}

static int make_builtin(void *arg, const char *intent, const struct project_facts *f, struct plan **ret, struct err *e)
{
    return planner_make(intent, f, ret, e);
}

struct planner planner_builtin(void)
{
    return (struct planner){make_builtin, NULL};
}
