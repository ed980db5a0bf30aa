/* event - see event.h.
 *
 * May include: base.  Pure.  Threads: any. */
#include "core/event.h"
#include "base/str.h"

enum { FRAME = 0, STORED = 1 };

static const struct event_info table[] = {
#define EVENT(type, floor, kind, data) {type, floor, kind, data},
#include "core/event.def"
#undef EVENT
    {NULL, NULL, 0, NULL},
};

const struct event_info *event_table(void)
{
    return table;
}

int event_kind(const char *type)
{
    for (const struct event_info *i = table; i->type; i++)
        if (str_eq(i->type, type))
            return i->kind;
    return -1;
}

static void kid(struct jw *w, const char *key, const struct id *id)
{
    if (id && !id_none(id))
        jw_kstr(w, key, id->s);
}

void event_envelope(struct jw *w, const struct event_head *h, const char *data_json, size_t n)
{
    char time[TIME_LEN];

    time_format(h->time_us, time);
    jw_obj(w);
    jw_kstr(w, "id", h->cursor);
    if (h->seq)
        jw_kint(w, "seq", h->seq);
    jw_kstr(w, "type", h->type);
    jw_kstr(w, "time", time);
    kid(w, "run_id", h->run_id);
    kid(w, "session_id", h->session_id);
    kid(w, "step_id", h->step_id);
    jw_key(w, "data");
    if (n)
        jw_raw(w, data_json, n);
    else
        jw_raw(w, "{}", 2);
    jw_end_obj(w);
}
