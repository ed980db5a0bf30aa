/* reply - see reply.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/reply.h"

bool reply_json(struct cli *c, const struct api_reply *reply)
{
    if (c->ui.json)
        ui_json(&c->ui, reply->body.p, reply->body.len);
    return c->ui.json;
}

int reply_show(struct cli *c, const char *method, const struct buf *path, const struct buf *body,
               void (*show)(struct ui *, const struct json *), struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = api_send(&c->api, method, path, body, &reply, e);
    if (r < 0)
        return r;
    if (!reply_json(c, &reply))
        show(&c->ui, reply.json);
    return 0;
}

int reply_list(struct cli *c, const struct buf *path, int64_t limit, const struct reply_table *like, struct err *e)
{
    struct table t;
    table_init(&t, like->cols, like->flex, like->head);
    int r = api_each(&c->api, path, limit, like->row, &t, e);
    table_print(&t, &c->ui, c->ui.json || r < 0 ? "" : like->empty);
    return r;
}
