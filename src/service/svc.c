#include "service/svc.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "store/base_rows.h"

#define REPLY_MAX (4 * MIB)

int64_t svc_clock_jump_us(const struct svc *svc)
{
    return svc->clock_base_us ? clock_now_us() - clock_mono_us() - svc->clock_base_us : 0;
}

int64_t svc_lease_end_us(const struct svc *svc, int64_t now_us)
{
    return now_us - svc_clock_jump_us(svc) + svc->set.lease_ms * MS_US;
}

void caller_init(struct caller *c)
{
    *c = (struct caller){.surface = "api"};
    buf_init(&c->reply, REPLY_MAX);
}

void caller_fini(struct caller *c)
{
    buf_fini(&c->reply);
}

void caller_system(struct caller *c, const char *tenant, const char *actor, const char *trace_id)
{
    caller_init(c);
    c->surface = "system";
    snprintf(c->tenant, sizeof c->tenant, "%s", tenant);
    snprintf(c->actor, sizeof c->actor, "%s", actor);
    snprintf(c->token_id, sizeof c->token_id, "%s", actor);
    snprintf(c->trace_id, sizeof c->trace_id, "%s", trace_id ? trace_id : "");
}

struct jw caller_reply(struct caller *c)
{
    buf_reset(&c->reply);
    return (struct jw)JW_INIT(&c->reply);
}

int caller_commit(struct db *db, struct caller *c, int status, struct err *e)
{
    struct idem_row row;

    if (c->reply.bad == -ERR_OOM)
        return err_oom(e);
    if (c->reply.bad)
        return err_set(e, ERR_INTERNAL, "the answer is larger than %d bytes", (int)REPLY_MAX);
    c->status = status;
    if (!c->idem_key)
        return 0;
    row = (struct idem_row){
        .tenant_id = c->tenant,
        .token_id = c->token_id,
        .route = (char *)c->idem_route, /* borrowed: idem_put only reads */
        .key = (char *)c->idem_key,
        .request_hash = c->idem_hash,
        .status = status,
        .body = c->reply.len ? c->reply.p : (char[]){""},
        .media_type = (char[]){"application/json"},
        .created_us = clock_now_us(),
    };
    return idem_put(db, &row, e);
}

int caller_audit(struct db *db, const struct caller *c, const char *action, const char *target, const char *data,
                 const struct id *run, struct err *e)
{
    struct audit_rec rec = {
        .time_us = clock_now_us(),
        .tenant_id = c->tenant,
        .actor = c->actor,
        .surface = c->surface,
        .action = action,
        .target = target,
        .data = data,
        .trace_id = c->trace_id[0] ? c->trace_id : NULL,
    };
    int64_t seq;

    return audit_append(db, &rec, run, &seq, e);
}

int svc_run_dir(const struct svc *svc, const struct id *run, char ret[RUN_DIR_MAX], struct err *e)
{
    int n = snprintf(ret, RUN_DIR_MAX, "%s/runs/%s", svc->data_dir, run->s);

    if (n < 0 || n >= RUN_DIR_MAX)
        return err_set(e, ERR_CONFIG, "the data directory's path is too long");
    return 0;
}
