/* event - the catalogue of event types, and the envelope every surface uses.
 *
 * Why it exists: a type, and the shape around its data, are spelled once.
 * May include: base.  Pure.  Threads: any. */
#pragma once
#include "base/id.h"
#include "base/json.h"

/* Known and stored with a seq: 1; known without (step.log, agent.delta): 0; unknown: -1. */
int event_kind(const char *type);
/* The catalogue (event.def), ended by a row whose type is NULL: for descriptions and docs. */
struct event_info {
    const char *type, *floor;
    int kind;
    const char *data;
};
const struct event_info *event_table(void);

struct event_head {
    const char *cursor; /* "id" */
    int64_t seq;        /* 0: the member is left out */
    const char *type;
    int64_t time_us;
    const struct id *run_id, *session_id, *step_id; /* NULL or none: left out (run_id is always there) */
};
/* {"id","seq","type","time","run_id","session_id","step_id","data":{…}}; data_json: n bytes of a finished
 * JSON object, written as they are; n = 0: {}. */
void event_envelope(struct jw *, const struct event_head *, const char *data_json, size_t n);
