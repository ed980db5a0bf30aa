/* handlers_keep.c - what is kept and removed: /retention, /runs/{run}/keep, and the figures of it. */
#include "api/call.h"
#include "service/keeper.h"

int post_keep(struct call *c, struct err *e)
{
    static const char *const keys[] = {"keep", NULL};
    struct id id;
    bool keep = true;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    if (r == 0)
        r = json_want_bool(c->body, "", "keep", J_OPT, &keep, e);
    if (r == 0)
        r = retention_keep(c->svc, &c->who, &id, keep, e);
    return r < 0 ? r : call_reply(c);
}

static int render_retention(struct call *c, struct jw *w, struct err *e)
{
    return keeper_json(c->svc, w, e);
}

int get_retention(struct call *c, struct err *e)
{
    return call_json(c, render_retention, e);
}

/* Applying the rules twice does no harm, so its answer is not stored under the key. */
static int render_clean(struct call *c, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"dry_run", NULL};
    struct retention_done d = {0};
    bool dry = false;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_bool(c->body, "", "dry_run", J_OPT, &dry, e);
    if (r < 0)
        return r;
    jw_obj(w);
    jw_kbool(w, "dry_run", dry);
    jw_key(w, "actions");
    jw_arr(w);
    r = keeper_clean(c->svc, dry, w, &d, e);
    jw_end_arr(w);
    jw_kint(w, "logs_removed", d.logs_removed);
    jw_kint(w, "runs_removed", d.runs_removed);
    jw_kint(w, "bytes", d.bytes);
    jw_kint(w, "failed", d.failed);
    jw_end_obj(w);
    return r;
}

int post_retention(struct call *c, struct err *e)
{
    return call_json(c, render_clean, e);
}

/* ---- metrics ------------------------------------------------------------ */

static void one(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
    buf_printf(b, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\nsallyport_%s %lld\n", name, help, name, type, name,
               (long long)v);
}

void keep_metrics(struct call *c, struct buf *b)
{
    struct disk_usage use;
    struct disk_room room;
    struct retention_done d;

    keeper_usage(c->svc->keeper, &use);
    keeper_totals(c->svc->keeper, &d);
    disk_room(c->svc, &room);
    buf_puts(b, "# HELP sallyport_data_bytes The data directory when it was last measured.\n"
                "# TYPE sallyport_data_bytes gauge\n");
    for (int i = 0; i < DISK_NKINDS; i++)
        buf_printf(b, "sallyport_data_bytes{kind=\"%s\"} %lld\n", disk_kind_name(i), (long long)use.bytes[i]);
    one(b, "disk_free_bytes", "gauge", "Free on the disk of the data directory.", room.free_bytes);
    one(b, "disk_full", "gauge", "1: new runs are refused for want of room.", room.level == DISK_REFUSE);
    one(b, "logs_compressed_total", "counter", "Logs that were compressed.", d.packed);
    one(b, "logs_compressed_in_bytes_total", "counter", "Their bytes before.", d.packed_in);
    one(b, "logs_compressed_out_bytes_total", "counter", "Their bytes after.", d.packed_out);
    buf_puts(b, "# HELP sallyport_retention_removed_total Runs of which something was removed.\n"
                "# TYPE sallyport_retention_removed_total counter\n");
    buf_printf(b, "sallyport_retention_removed_total{what=\"logs\"} %lld\n", (long long)d.logs_removed);
    buf_printf(b, "sallyport_retention_removed_total{what=\"all\"} %lld\n", (long long)d.runs_removed);
    one(b, "retention_removed_bytes_total", "counter", "Bytes freed by it.", d.bytes);
    one(b, "retention_failed_total", "counter", "Logs that could not be compressed, removals to be done again.",
        d.failed);
}
