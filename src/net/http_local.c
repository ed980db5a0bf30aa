/* http_local - see http_local.h. */
#include <stdlib.h>
#include <string.h>
#include "net/http_int.h"
#include "net/http_local.h"
#include "net/mem.h"

/* The fields' text goes into msg->head, which does not move any more once they point into it. */
static int put_fields(struct http_msg *m, const struct http_local_field *f, size_t n, struct err *e)
{
    size_t need = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        need += f[i].value ? strlen(f[i].name) + strlen(f[i].value) + 2 : 0;
    buf_init(&m->head, need);
    m->fields = mem_new(n ? n : 1, sizeof *m->fields);
    if (!m->fields || buf_reserve(&m->head, need) < 0)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        if (!f[i].value)
            continue;
        buf_add(&m->head, f[i].name, strlen(f[i].name) + 1);
        buf_add(&m->head, f[i].value, strlen(f[i].value) + 1);
        m->fields[m->nfields].name = m->head.p + at;
        m->fields[m->nfields++].value = m->head.p + at + strlen(f[i].name) + 1;
        at = m->head.len;
    }
    return 0;
}

int http_local_new(struct http_server *srv, enum http_method method, const char *target,
                   const struct http_local_field *f, size_t nf, struct buf *body, const struct http_peer *peer,
                   size_t max_reply, struct http_req **ret, struct err *e)
{
    struct http_msg *m = mem_new(1, sizeof *m);
    if (!m) {
        buf_fini(body);
        return err_oom(e);
    }
    m->method = method;
    m->body = *body;
    *body = (struct buf){0};
    int r = put_fields(m, f, nf, e);
    if (r == 0)
        r = http_target_parse(target, strlen(target), &m->target, e);
    if (r < 0) {
        http_msg_free(m);
        return r;
    }
    struct http_req *rq = http_req_new(srv, m);
    if (!rq)
        return err_oom(e);
    rq->local = true;
    rq->peer = *peer;
    if (max_reply < rq->body.max)
        buf_init(&rq->body, max_reply);
    *ret = rq;
    return 0;
}

void http_local_free(struct http_req *rq)
{
    http_req_free(rq);
}

int http_local_answer(const struct http_req *rq, const char **ret_body, size_t *ret_n)
{
    *ret_body = rq->body.p ? rq->body.p : "";
    *ret_n = rq->body.len;
    return rq->status;
}
