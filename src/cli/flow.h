/* flow - a run as it happens: its plan, its doors, its log, its end.
 *
 * Why it exists: `run` and `undo` show the same thing. The run may be answered from elsewhere at any time (another
 * terminal, the console): every question here looks whether it still stands.
 *
 *   events ──► awaiting_review   ── y: approve   e: edit, ask again   n: reject    Ctrl-D: leave
 *          ──► awaiting_approval ── y: allow     n: deny
 *          ──► awaiting_apply    ── y: apply     d: show, ask again   n: discard   Enter: leave
 *          ──► run.completed     ── the end
 *
 * Without a terminal: --yes answers, else the door is where we leave (CLI_EXIT_WAITS).
 * Ctrl-C cancels the run once and stays to see it end; a second one leaves.
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "base/id.h"
#include "cli/cmd.h"
#include "cli/follow.h"
#include "cli/logview.h"

struct flow {
    struct cli *c;
    struct id run;
    bool yes;      /* answer yes to whatever the run asks */
    bool undo;     /* say what was put back: there was no door that showed it */
    bool no_apply; /* leave at the second door */
    bool attach;   /* our terminal becomes that of each step that has one */
    bool owner;    /* Ctrl-C cancels the run (`run`), or only ends the watching */
    /* inside */
    struct follow follow;
    struct logview log;
    size_t steps;       /* of the plan; 0: not known */
    char plan_hash[72]; /* of the plan that was shown */
    char door[32];      /* the waiting state just entered; "" = none */
    char tty[40];       /* id of the step we attach to, or did: its log is not shown again */
    int64_t tty_number; /* of the step that has just begun; 0: none */
    bool canceled;      /* we asked for that */
    bool left;          /* the run goes on without us */
};
void flow_init(struct flow *, struct cli *, const struct id *run);
void flow_fini(struct flow *);
/* To the end, or to a door that nobody opens here; prints how it ended and sets c->exit. */
CHECKED int flow_go(struct flow *, struct err *);

/* The doors (flow_door.c). 0: go on; 1: leave the run waiting. */
CHECKED int flow_door(struct flow *, struct err *);

/* POST /runs/{id}/what with that body (NULL: {}). */
CHECKED int flow_post(struct api *, const struct id *run, const char *what, const struct buf *body,
                      struct api_reply *ret, struct err *);
CHECKED int flow_get_run(struct api *, const struct id *run, struct api_reply *ret, struct err *);
CHECKED int flow_get_plan(struct api *, const struct id *run, struct api_reply *ret, struct err *);
#define CHANGES_SHOWN 50 /* lines of a list of changes; diff has all */
CHECKED int flow_get_changes(struct api *, const struct id *run, struct api_reply *ret, struct err *);
/* Answers an Approval, bound to what it says. */
CHECKED int flow_answer(struct api *, const struct json *approval, bool allow, const char *note, struct api_reply *ret,
                        struct err *);
/* The exit code a finished run stands for. */
int flow_exit(const struct json *run);
