/* http_req - a request as its handler sees it.
 *
 * Why it exists: the public face of struct http_req; see http.h.
 * May include: base/ os/.   Threads: made and freed on the loop, read by one handler. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "net/http_int.h"
#include "net/mem.h"
#include "os/clock.h"

/* "00-" 32 hex "-" 16 hex "-" 2 hex, lower case, not all zero (W3C Trace Context, 3.2.2). */
static bool trace_from(const char *tp, char ret[HTTP_TRACE_LEN + 1])
{
    if (!tp || strlen(tp) != 55 || memcmp(tp, "00-", 3) != 0 || tp[35] != '-' || tp[52] != '-')
        return false;
    if (strspn(tp + 3, "0123456789abcdef") != 32 || strspn(tp + 36, "0123456789abcdef") != 16 ||
        strspn(tp + 53, "0123456789abcdef") != 2 || strspn(tp + 3, "0") == 32 || strspn(tp + 36, "0") == 16)
        return false;
    memcpy(ret, tp + 3, HTTP_TRACE_LEN);
    ret[HTTP_TRACE_LEN] = '\0';
    return true;
}

struct http_req *http_req_new(struct http_server *srv, struct http_msg *msg)
{
    struct http_req *rq = mem_new(1, sizeof *rq);
    if (!rq) {
        http_msg_free(msg);
        return NULL;
    }
    rq->srv = srv;
    rq->msg = msg;
    buf_init(&rq->extra, 16 * KIB);
    buf_init(&rq->head, 32 * KIB);
    buf_init(&rq->body, srv->cfg.max_reply);
    if (!trace_from(http_msg_field(msg, "traceparent"), rq->trace)) {
        unsigned char raw[HTTP_TRACE_LEN / 2];
        random_bytes(raw, sizeof raw);
        hex_encode(raw, sizeof raw, rq->trace);
    }
    return rq;
}

void http_req_free(struct http_req *rq)
{
    if (!rq)
        return;
    http_msg_free(rq->msg);
    buf_fini(&rq->extra);
    buf_fini(&rq->head);
    buf_fini(&rq->body);
    free(rq);
}

enum http_method http_req_method(const struct http_req *rq)
{
    return rq->msg->method;
}

const char *http_req_raw_path(const struct http_req *rq)
{
    return rq->msg->target.raw_path;
}

const char *http_req_path(const struct http_req *rq)
{
    return rq->msg->target.path;
}

size_t http_req_nsegs(const struct http_req *rq)
{
    return rq->msg->target.nsegs;
}

const char *http_req_seg(const struct http_req *rq, size_t i)
{
    return i < rq->msg->target.nsegs ? rq->msg->target.segs[i] : NULL;
}

size_t http_req_nquery(const struct http_req *rq)
{
    return rq->msg->target.nquery;
}

const char *http_req_query_name(const struct http_req *rq, size_t i)
{
    return i < rq->msg->target.nquery ? rq->msg->target.query[i].name : NULL;
}

const char *http_req_query_value(const struct http_req *rq, size_t i)
{
    return i < rq->msg->target.nquery ? rq->msg->target.query[i].value : NULL;
}

const char *http_req_query(const struct http_req *rq, const char *name)
{
    for (size_t i = 0; i < rq->msg->target.nquery; i++)
        if (strcmp(rq->msg->target.query[i].name, name) == 0)
            return rq->msg->target.query[i].value;
    return NULL;
}

const char *http_req_header(const struct http_req *rq, const char *name)
{
    return http_msg_field(rq->msg, name);
}

size_t http_req_nheaders(const struct http_req *rq)
{
    return rq->msg->nfields;
}

const char *http_req_header_name(const struct http_req *rq, size_t i)
{
    return i < rq->msg->nfields ? rq->msg->fields[i].name : NULL;
}

const char *http_req_header_value(const struct http_req *rq, size_t i)
{
    return i < rq->msg->nfields ? rq->msg->fields[i].value : NULL;
}

const void *http_req_body(const struct http_req *rq, size_t *ret_n)
{
    const struct buf *b = &rq->msg->body;
    *ret_n = b->len;
    return b->p ? b->p : "";
}

const struct http_peer *http_req_peer(const struct http_req *rq)
{
    return &rq->peer;
}

const char *http_req_trace_id(const struct http_req *rq)
{
    return rq->trace;
}

bool http_req_answered(const struct http_req *rq)
{
    return rq->answered;
}
