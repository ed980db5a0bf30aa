/* view - the one JSON shape of each thing (docs/API.md "Shapes").
 *
 * Why it exists: REST, events, artifacts and audit use the same spelling,
 * because they call the same function.
 * May include: store core base.   Pure: rows in, JSON out.   Threads: any. */
#pragma once
#include "base/json.h"
#include "store/base_rows.h"
#include "store/run_rows.h"

struct run_counts_view {
    int64_t steps, succeeded, failed;
};
/* Leaves the object open, so that GET /runs/{id} can add steps and artifacts: close with jw_end_obj. */
void view_run_open(struct jw *, const struct run_row *, const char *project_name, const struct run_counts_view *);
void view_run(struct jw *, const struct run_row *, const char *project_name, const struct run_counts_view *);
void view_reason(struct jw *, const struct run_row *); /* "reason": why it is in its state, or null */
void view_step_open(struct jw *, const struct step_row *);
void view_step(struct jw *, const struct step_row *);
void view_project_open(struct jw *, const struct project_row *);
void view_artifact(struct jw *, const struct artifact_row *);
void view_approval(struct jw *, const struct approval_row *);
void view_token_open(struct jw *, const struct token_row *);

/* A list: {"items":[…],"next": the last id when there may be more, else null}. */
struct view_page {
    int limit, n;
    struct id last;
};
void view_page_open(struct jw *);
void view_page_item(struct view_page *, const struct id *); /* one item was written */
void view_page_close(struct jw *, const struct view_page *);
