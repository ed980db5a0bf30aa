/* schema.c - the shapes of all that is sent and taken, as JSON Schema (draft 2020-12), and what of them comes from the
 * program's own tables.
 *
 * Why it exists: a list of words that is written twice is wrong one day. Error codes, states, phases, actions and
 * methods are in the schemas because they are in err.def, run_sm, reconcile.def and the route table; openapi.json and
 * /schema hold the same shapes.
 *
 *   openapi_schemas.json ─┐
 *   tables ───────────────┴► openapi_shapes ─► components.schemas of /openapi.json
 *                                           └► $defs of /schema */
#include <string.h>

#include "api/openapi_int.h"
#include "base/str.h"
#include "core/run_sm.h"
#include "service/reconcile.h"

#define DOC_MAX (4 * MIB)
#define REF     "#/components/schemas/"
#define DEF     "#/$defs/"

static const char file_text[] =
#include <api/openapi_schemas.json.inc>
    ;

/* {"type":"string","description","enum":[ … ]}; the words are added between. */
static void begin_words(struct jw *w, const char *name, const char *what)
{
    jw_key(w, name);
    jw_obj(w);
    jw_kstr(w, "type", "string");
    jw_kstr(w, "description", what);
    jw_key(w, "enum");
    jw_arr(w);
}

static void end_words(struct jw *w)
{
    jw_end_arr(w);
    jw_end_obj(w);
}

static void states(struct jw *w, const char *name, const char *what, bool final)
{
    begin_words(w, name, what);
    for (int i = 0; i < RN_N; i++) {
        enum run_node n = (enum run_node)i;

        if ((!final || run_sm_final(n)) && (i == 0 || !str_eq(run_sm_state(n), run_sm_state((enum run_node)(i - 1)))))
            jw_str(w, run_sm_state(n));
    }
    end_words(w);
}

static void words(struct jw *w)
{
    begin_words(w, "ErrorCode", "Why something was refused, failed or ended so: see x-error-codes of /openapi.json");
    for (int i = ERR_NONE + 1; i < ERR_N; i++)
        jw_str(w, err_info(i)->name);
    end_words(w);
    states(w, "RunState", "Where a run is", false);
    states(w, "Outcome", "How a run ends", true);
    begin_words(w, "Phase", "What a queued run waits for");
    for (int i = 0; i < RN_N; i++)
        if (run_sm_phase((enum run_node)i))
            jw_str(w, run_sm_phase((enum run_node)i));
    end_words(w);
    begin_words(w, "ReconcileAction", "What the reconciler does");
    for (int i = 0; i < RC_N; i++)
        jw_str(w, reconcile_info((enum reconcile_act)i)->name);
    end_words(w);
    begin_words(w, "WsMethod", "A method of /ws that is an operation's x-ws-method; or ping, which takes nothing");
    for (size_t i = 0; i < api_nroutes; i++)
        if (api_routes[i].method_name)
            jw_str(w, api_routes[i].method_name);
    jw_str(w, "ping");
    end_words(w);
}

static const char *result_of(const struct route *rt)
{
    return !rt->method_name                      ? NULL
           : openapi_is_media_type(rt->response) ? "WsText"
           : rt->response                        ? rt->response
                                                 : "Empty";
}

static void result(struct jw *w, struct buf *seen, const char *name)
{
    AUTO(buf_fini) struct buf ref = BUF_INIT(256), word = BUF_INIT(256);

    buf_printf(&word, " %s ", name);
    if (ref.bad || word.bad || (seen->p && strstr(seen->p, word.p)))
        return;
    buf_puts(seen, word.p);
    buf_printf(&ref, REF "%s", name);
    jw_obj(w);
    jw_kstr(w, "$ref", ref.p);
    jw_end_obj(w);
}

/* Each shape once. Which it is follows from the request's method: clients know that. */
static void results(struct jw *w)
{
    static const char *const own[] = {"WsHello", "WsSubscription", "WsPong"};
    AUTO(buf_fini) struct buf seen = BUF_INIT(8 * KIB);

    jw_key(w, "WsResult");
    jw_obj(w);
    jw_kstr(w, "description",
            "What a method of /ws answers: of connect WsHello, of subscribe and unsubscribe WsSubscription, of ping "
            "WsPong, of "
            "the others their operation's answer");
    jw_key(w, "anyOf");
    jw_arr(w);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        result(w, &seen, own[i]);
    for (size_t i = 0; i < api_nroutes; i++)
        if (result_of(&api_routes[i]))
            result(w, &seen, result_of(&api_routes[i]));
    jw_end_arr(w);
    jw_end_obj(w);
}

void openapi_shapes(struct buf *out)
{
    AUTO(buf_fini) struct buf made = BUF_INIT(MIB);
    struct jw w = JW_INIT(&made);

    jw_obj(&w);
    words(&w);
    results(&w);
    jw_end_obj(&w);
    if (made.bad) {
        out->bad = made.bad;
        return;
    }
    buf_add(out, file_text, sizeof file_text - 2); /* without its last brace */
    buf_addc(out, ',');
    buf_add(out, made.p + 1, made.len - 1);
}

/* ---- /schema ------------------------------------------------------------- */

static const char head_text[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"Sallyport: frames and events\","
    "\"description\":\"Event is the data of each server-sent event. Over /ws clients send WsRequest and get WsResponse "
    "and "
    "WsEvent. Shapes are closed: a member or type that is not here is never sent. The same shapes are in "
    "/openapi.json.\",\"anyOf\":[{\"$ref\":\"" DEF "Event\"},{\"$ref\":\"" DEF "WsResponse\"},{\"$ref\":\"" DEF
    "WsEvent\"},{\"$ref\":\"" DEF "WsRequest\"}],\"$defs\":";

int schema_write(struct buf *out, struct err *e)
{
    AUTO(buf_fini) struct buf shapes = BUF_INIT(DOC_MAX);

    openapi_shapes(&shapes);
    if (shapes.bad)
        return err_oom(e);
    buf_puts(out, head_text);
    for (const char *p = shapes.p, *at; *p; p = at + strlen(REF)) {
        at = strstr(p, REF);
        if (!at) {
            buf_puts(out, p);
            break;
        }
        buf_add(out, p, (size_t)(at - p));
        buf_puts(out, DEF);
    }
    buf_addc(out, '}');
    return out->bad ? err_set(e, -out->bad, NULL) : 0;
}

int get_schema(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(DOC_MAX);
    int r = schema_write(&b, e);

    return r < 0 ? r : http_reply(c->rq, 200, "application/schema+json", b.p, b.len);
}
