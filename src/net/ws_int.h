/* ws_int - what the files of the WebSocket share, and what the server's loop asks of it. Inner header of src/net.
 * May include: base/ os/.   Threads: ws_adopt: a handler's; ws_guests: the loop. */
#pragma once
#include "net/http_int.h"
#include "net/ws.h"

/* The handshake was right: answers it with these header fields and makes the connection. */
CHECKED int ws_adopt(struct http_req *, const char *fields, const struct ws_config *, const struct ws_ops *, void *arg,
                     struct ws **ret, struct err *);
/* Ends those who did not say in time who they are; when the next one is due (-1: nobody). */
int64_t ws_guests(struct http_server *, int64_t now_ms);
