/* openapi.c - /openapi.json from the route table. */
#include "api/call.h"
int openapi_write(struct buf *out, struct err *e)
{
    (void)e;
    buf_puts(out, "{}");
    return 0;
}
int get_openapi(struct call *c, struct err *e)
{
    (void)e;
    return http_reply(c->rq, 200, "application/json", "{}", 2);
}
int get_docs(struct call *c, struct err *e)
{
    (void)e;
    return http_reply(c->rq, 200, "text/html", "", 0);
}
