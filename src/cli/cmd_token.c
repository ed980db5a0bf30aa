/* cmd_token - access tokens: new, list, revoke.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include <string.h>

/* --scope may be given more than once, or hold several, parted by commas or blanks. */
static size_t put_scopes(const struct cli *c, struct jw *w)
{
    const char *s;
    size_t n = 0;
    jw_key(w, "scopes");
    jw_arr(w);
    for (size_t i = 0; (s = args_nth(&c->args, "scope", i)); i++) {
        while (*s) {
            size_t k = strcspn(s, ", ");
            if (k > 0)
                jw_strn(w, s, k);
            n += k > 0;
            s += k;
            s += strspn(s, ", ");
        }
    }
    jw_end_arr(w);
    return n;
}

static int make_request(const struct cli *c, struct buf *body, struct err *e)
{
    struct jw w = JW_INIT(body);
    const char *name = args_get(&c->args, "name"), *expires = args_get(&c->args, "expires");
    int64_t ms;
    if (!name || !*name)
        return err_set(e, ERR_USAGE, "say what the token is for: --name ci");
    jw_obj(&w);
    jw_kstr(&w, "name", name);
    if (put_scopes(c, &w) == 0)
        return err_set(e, ERR_USAGE, "say what the token may do: --scope run:read");
    if (expires && (!str_duration_ms(expires, &ms) || ms <= 0))
        return err_set(e, ERR_USAGE, "--expires `%s`: write it like 12h or 30d", expires);
    if (expires)
        jw_kint(&w, "expires_in_ms", ms);
    jw_end_obj(&w);
    return 0;
}

/* The secret alone goes to stdout, so that it can go straight into a file. */
int cmd_token_new(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(64 * KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = make_request(c, &body, e);
    if (r < 0)
        return r;
    api_path(&path, "/tokens", NULL);
    r = api_send(&c->api, "POST", &path, &body, &reply, e);
    if (r < 0)
        return r;
    const char *token = show_str(reply.json, "token");
    if (reply_json(c, &reply))
        return 0;
    if (!token)
        return err_set(e, ERR_IO, "the server's answer holds no token");
    ui_note(&c->ui, "%s  %s: shown only now; keep it in a file of mode 0600 and name that in SALLYPORT_TOKEN_FILE",
            ui_one(&c->ui, show_str(reply.json, "id")), ui_one(&c->ui, show_str(reply.json, "name")));
    ui_printf(&c->ui, "%s\n", ui_one(&c->ui, token));
    return 0;
}

static int add_token(void *arg, const struct json *tok)
{
    struct table *t = arg;
    AUTO(buf_fini) struct buf scopes = BUF_INIT(KIB);
    const struct json *list = json_get(tok, "scopes");
    char room[32];
    bool revoked = json_type(json_get(tok, "revoked_at")) == JT_STR;
    for (size_t i = 0; i < json_len(list); i++)
        buf_printf(&scopes, "%s%s", i ? " " : "", json_str(json_at(list, i)) ? json_str(json_at(list, i)) : "?");
    table_cell(t, UI_PLAIN, show_str(tok, "id"));
    table_cell(t, UI_BOLD, show_str(tok, "name"));
    table_cell(t, UI_PLAIN, scopes.p);
    table_cell(t, UI_DIM, show_time(room, tok, "used_at"));
    table_cell(t, revoked ? UI_RED : UI_DIM, revoked ? "revoked" : show_time(room, tok, "expires_at"));
    return 0;
}

int cmd_token_list(struct cli *c, struct err *e)
{
    static const char *const head[] = {"TOKEN", "NAME", "SCOPES", "LAST USED", "ENDS"};
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    static const struct reply_table like = {head, ARRAY_LEN(head), 2, add_token, "no tokens"};
    api_path(&path, "/tokens", NULL);
    return reply_list(c, &path, 0, &like, e);
}

int cmd_token_revoke(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    struct id id;
    int r = resolve_token(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    api_path(&path, "/tokens/{}", id.s, NULL);
    r = api_send(&c->api, "DELETE", &path, NULL, NULL, e);
    if (r == 0 && !c->ui.json)
        ui_printf(&c->ui, "revoked %s\n", id.s);
    return r;
}
