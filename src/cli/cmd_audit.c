/* cmd_audit - the audit trail: read, verify at the server, export. An exported file is verified by the server
 * program itself, without any server (`sallyport audit verify FILE`).
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/save.h"
#include "cli/show.h"
#include <inttypes.h>

#define PAGE          500
#define LIMIT_DEFAULT 50

static void add_record(struct table *t, const struct json *rec)
{
    AUTO(buf_fini) struct buf data = BUF_INIT(256 * KIB);
    const struct json *d = json_get(rec, "data");
    char room[32];
    if (json_len(d) && json_canonical(d, &data, NULL) < 0)
        buf_puts(&data, "?");
    table_cellf(t, UI_DIM, "%" PRId64, show_int(rec, "seq"));
    table_cell(t, UI_PLAIN, show_time(room, rec, "time"));
    table_cell(t, UI_PLAIN, show_str(rec, "actor"));
    table_cell(t, UI_PLAIN, show_str(rec, "surface"));
    table_cell(t, UI_BOLD, show_str(rec, "action"));
    table_cell(t, UI_PLAIN, show_str(rec, "target"));
    table_cell(t, UI_DIM, data.bad ? "?" : data.p);
}

struct reading {
    struct cli *c;
    const char *run;     /* id or NULL */
    int64_t after, left; /* left: records still wanted; -1: all */
    struct table *t;
};

static int get_page(struct reading *rd, int64_t limit, struct api_reply *reply, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, "/audit", NULL);
    api_query_int(&path, "after_seq", rd->after);
    api_query_int(&path, "limit", limit);
    api_query(&path, "run_id", rd->run);
    return api_get(&rd->c->api, &path, reply, e);
}

/* 1: there is more. */
static int one_page(struct reading *rd, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = get_page(rd, rd->left < 0 || rd->left > PAGE ? PAGE : rd->left, &reply, e);
    if (r < 0)
        return r;
    const struct json *items = json_get(reply.json, "items"), *next = json_get(reply.json, "next_seq");
    bool told = reply_json(rd->c, &reply);
    for (size_t i = 0; i < json_len(items) && !told; i++)
        add_record(rd->t, json_at(items, i));
    if (rd->left > 0)
        rd->left -= (int64_t)json_len(items);
    bool more = json_type(next) == JT_INT && json_int(next) > rd->after && rd->left != 0;
    rd->after = more ? json_int(next) : rd->after;
    return more;
}

/* The chain is read upward: the newest N begin N before its head. Of one run: all of its records. */
static int find_start(struct reading *rd, int64_t limit, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    if (limit == 0 || rd->run)
        return 0;
    int r = get_page(rd, 1, &reply, e);
    int64_t head = show_int(json_get(reply.json, "head"), "seq");
    if (r == 0 && head > limit)
        rd->after = head - limit;
    return r;
}

int cmd_audit(struct cli *c, struct err *e)
{
    static const char *const head[] = {"SEQ", "TIME", "ACTOR", "VIA", "ACTION", "TARGET", "DATA"};
    const char *limit_text = args_get(&c->args, "limit"), *run = args_get(&c->args, "run");
    struct reading rd = {.c = c, .left = -1};
    int64_t limit = run ? 0 : LIMIT_DEFAULT;
    struct table t;
    struct id id;
    if (limit_text && (!str_i64(limit_text, &limit) || limit < 0))
        return err_set(e, ERR_USAGE, "--limit `%s`: give a number, 0 for all", limit_text);
    int r = run ? resolve_run(c, run, &id, e) : 0;
    if (r < 0)
        return r;
    rd.run = run ? id.s : NULL;
    rd.left = limit ? limit : -1;
    r = find_start(&rd, limit, e);
    table_init(&t, ARRAY_LEN(head), 6, head);
    rd.t = &t;
    while (r >= 0 && (r = one_page(&rd, e)) == 1 && !c->ui.broken)
        ;
    table_print(&t, &c->ui, c->ui.json || r < 0 ? "" : "no records");
    return r < 0 ? r : 0;
}

int cmd_audit_verify(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(8);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    if (cli_arg(c, 0)) { /* main() takes that form itself, when it stands alone */
        cli_hint(c, "write: sallyport audit verify FILE [--json]");
        return err_set(e, ERR_USAGE, "a file is checked without a server: other options do not go with it");
    }
    buf_puts(&body, "{}");
    api_path(&path, "/audit/verify", NULL);
    int r = api_send(&c->api, "POST", &path, &body, &reply, e);
    if (r < 0)
        return r;
    const struct json *head = json_get(reply.json, "head");
    const char *error = show_str(reply.json, "error");
    bool ok = json_true(json_get(reply.json, "ok"));
    bool told = reply_json(c, &reply);
    if (!ok)
        return err_set(e, ERR_AUDIT_BROKEN, "%s", error ? error : "the audit chain is broken");
    if (!told)
        ui_printf(&c->ui, "ok: %" PRId64 " records, head %" PRId64 " %s\n", show_int(reply.json, "records"),
                  show_int(head, "seq"), ui_one(&c->ui, show_str(head, "hash")));
    return 0;
}

int cmd_audit_export(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    const char *file = args_get(&c->args, "output");
    api_path(&path, "/audit/export", NULL);
    int r = save_to(c, &path, "application/jsonl", file, false, e);
    if (r == 0 && file && !str_eq(file, "-"))
        ui_note(&c->ui, "check it anywhere: sallyport audit verify %s", file);
    return r;
}
