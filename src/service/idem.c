#include "service/idem.h"

#include <string.h>

#include "base/str.h"
#include "store/base_rows.h"

struct look {
    struct caller *c;
    struct idem_row row;
};

static int look_tx(struct db *db, void *arg, struct err *e)
{
    struct look *l = arg;
    struct idem_row key = {.tenant_id = l->c->tenant,
                           .token_id = l->c->token_id,
                           .route = (char *)l->c->idem_route, /* borrowed: only read */
                           .key = (char *)l->c->idem_key};

    idem_row_fini(&l->row);
    l->row = (struct idem_row){0};
    return idem_get(db, &key, &l->row, e);
}

int idem_replay(struct svc *svc, struct caller *c, bool *ret_done, struct err *e)
{
    struct look l = {.c = c};
    struct err e2 = ERR_INIT;
    int r = store_read(svc->store, look_tx, &l, &e2);

    if (r == -ERR_NOT_FOUND)
        return 0;
    if (r < 0) {
        if (e)
            *e = e2;
        return r;
    }
    if (!c->idem_hash[0] || !str_eq(l.row.request_hash, c->idem_hash)) {
        r = err_field(e, ERR_KEY_MISMATCH, "Idempotency-Key", NULL);
    } else {
        buf_reset(&c->reply);
        buf_puts(&c->reply, l.row.body ? l.row.body : "");
        c->status = (int)l.row.status;
        *ret_done = true;
    }
    idem_row_fini(&l.row);
    return r;
}
