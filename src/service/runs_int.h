/* runs_int - what the runs*.c files share. Included by nobody else. */
#pragma once
#include "core/policy.h"
#include "service/runs.h"

CHECKED int runs_set_str(char **dst, const char *src, struct err *);
/* run.status from a node (RN_NONE: it was just made) to the row's. */
CHECKED int runs_status_event(struct db *, const struct run_row *, enum run_node from, int64_t now, struct err *);
/* The project a request names in `project_id`, by id or name. */
CHECKED int runs_project(struct db *, const char *tenant, const char *id_or_name, struct project_row *ret,
                         struct err *);
void runs_plan_view(struct jw *, const struct run_row *);
/* Of an undo: it took the other run's apply back, or may still do so. Only one such there is. */
bool runs_takes_back(const struct run_row *undo);
CHECKED int runs_judge_step(const struct policy *, const struct plan_step *, struct verdict *ret, struct err *);
void runs_decision_json(struct jw *, const struct verdict *, const char *approval_id);
/* Opens an approval of the run: kind "plan", "changes" or a step's kind; event approval.required. step may be NULL. */
struct approval_subject;
CHECKED int runs_open_approval(struct svc *, struct db *, const struct run_row *, const struct step_row *,
                               const struct approval_subject *, const struct verdict *, struct id *ret, struct err *);
