/* http_msg - one request, read and checked. Inner header of src/net.
 *
 * Why it exists: what the parser hands to the server is finished data: no
 * offsets, no library types, nothing left to decode.
 * May include: base/.   Threads: one owner. */
#pragma once
#include "net/http.h"
#include "net/http_target.h"

struct http_field {
    const char *name, *value; /* into head; name in lower case */
};

struct http_msg {
    enum http_method method;
    bool http10;
    bool keep_alive; /* what the client asked for */
    bool chunked;
    bool expect;     /* Expect: 100-continue, and a body is to come */
    uint64_t length; /* Content-Length; 0 when chunked or absent */
    size_t max_body; /* of this request */
    struct buf head; /* the bytes the fields point into */
    struct http_field *fields;
    size_t nfields;
    struct http_target target;
    struct buf body;
};

void http_msg_free(struct http_msg *);
/* First field of that name (lower case), or NULL. */
const char *http_msg_field(const struct http_msg *, const char *name);
