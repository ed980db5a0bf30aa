/* policy_print - a policy back to text.
 *
 * May include: core/policy_int.h.  Pure. */
#include "core/policy_int.h"

#define CANONICAL_MAX (2 * MIB)

static void print_list(struct jw *w, const char *key, const struct policy_list *l)
{
    if (l->n == 0)
        return;
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < l->n; i++)
        jw_str(w, l->v[i]);
    jw_end_arr(w);
}

static void print_rule(struct jw *w, const struct policy_rule *r)
{
    jw_obj(w);
    jw_kstr(w, "id", r->id);
    jw_kstr(w, "decision", policy_decision_name(r->decision));
    jw_kstr_opt(w, "reason", r->reason);
    if (r->kind == POLICY_M_COMMAND || r->kind == POLICY_M_PATH) {
        jw_key(w, r->kind == POLICY_M_PATH ? "path" : "command");
        jw_obj(w);
        print_list(w, "program", &r->program);
        print_list(w, "flags", &r->flags);
        print_list(w, "paths", &r->paths);
        print_list(w, "any", &r->any);
        print_list(w, "read", &r->read);
        print_list(w, "write", &r->write);
        jw_end_obj(w);
    } else {
        print_list(w, r->kind == POLICY_M_HOST ? "host" : "tool", &r->names);
    }
    jw_end_obj(w);
}

int policy_canonical(const struct policy *p, struct buf *out, struct err *e)
{
    AUTO(buf_fini) struct buf raw = BUF_INIT(CANONICAL_MAX);
    struct jw w = JW_INIT(&raw);

    jw_obj(&w);
    jw_kint(&w, "version", p->version);
    jw_kstr(&w, "default", policy_decision_name(p->def));
    jw_key(&w, "rules");
    jw_arr(&w);
    for (size_t i = 0; i < p->nrules; i++)
        print_rule(&w, &p->rules[i]);
    jw_end_arr(&w);
    jw_end_obj(&w);
    if (raw.bad)
        return err_set(e, -raw.bad, NULL);
    int r = json_canonical_text(raw.p, raw.len, out, e);
    return r < 0 ? r : out->bad ? err_set(e, -out->bad, NULL) : 0;
}

int policy_sha256(const struct policy *p, char ret[SHA256_HEX], struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(CANONICAL_MAX);

    int r = policy_canonical(p, &text, e);
    if (r < 0)
        return r;
    sha256_hex_of(text.p, text.len, ret);
    return 0;
}
