/* handlers_queue.c - the run queue: what waits and why, pauses, drain, priorities. */
#include "api/call.h"
#include "service/queues.h"

#define NOTE_MAX 2000

static int replied(struct call *c, int r)
{
    return r < 0 ? r : call_reply(c);
}

static int render_queue(struct call *c, struct jw *w, struct err *e)
{
    struct id after;
    int limit, r = call_limit(c, 100, 500, &limit, e);

    if (r == 0)
        r = call_query_id(c, "after", ID_RUN, &after, e);
    return r < 0 ? r : queues_json(c->svc, c->who.tenant, id_none(&after) ? NULL : &after, limit, w, e);
}

int get_queue(struct call *c, struct err *e)
{
    return call_json(c, render_queue, e);
}

static int want_note(struct call *c, const char **ret, struct err *e)
{
    static const char *const keys[] = {"note", NULL};
    int r = json_known(c->body, "", keys, e);

    return r < 0 ? r : json_want_str(c->body, "", "note", J_OPT, NOTE_MAX, ret, e);
}

static int want_nothing(struct call *c, struct err *e)
{
    static const char *const none[] = {NULL};

    return json_known(c->body, "", none, e);
}

static int pause_node(struct call *c, bool drain, struct err *e)
{
    const char *note = NULL;
    int r = want_note(c, &note, e);

    return r < 0 ? r : replied(c, queues_pause(c->svc, &c->who, drain, note, e));
}

int post_queue_pause(struct call *c, struct err *e)
{
    return pause_node(c, false, e);
}

int post_queue_drain(struct call *c, struct err *e)
{
    return pause_node(c, true, e);
}

int post_queue_resume(struct call *c, struct err *e)
{
    int r = want_nothing(c, e);

    return r < 0 ? r : replied(c, queues_resume(c->svc, &c->who, e));
}

int post_project_pause(struct call *c, struct err *e)
{
    const char *note = NULL;
    int r = want_note(c, &note, e);

    return r < 0 ? r : replied(c, queues_pause_project(c->svc, &c->who, c->arg[0], note, e));
}

int post_project_resume(struct call *c, struct err *e)
{
    int r = want_nothing(c, e);

    return r < 0 ? r : replied(c, queues_resume_project(c->svc, &c->who, c->arg[0], e));
}

int post_run_priority(struct call *c, struct err *e)
{
    static const char *const keys[] = {"priority", NULL};
    struct id run;
    int64_t priority = 0;
    int r = call_id(c, 0, ID_RUN, "run", &run, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    if (r == 0 && !json_get(c->body, "priority"))
        r = err_field(e, ERR_INVALID, "priority", "say which: a whole number, or low, normal, high, urgent");
    if (r == 0)
        r = queues_want_priority(c->body, &priority, e);
    return r < 0 ? r : replied(c, queues_set_priority(c->svc, &c->who, &run, priority, e));
}
