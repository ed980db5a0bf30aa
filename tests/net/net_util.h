/* net_util - what the socket tests share: a server with a small handler, and raw bytes over loopback. */
#pragma once
#include "net/http.h"

struct net_util {
    struct http_server *srv;
    int port;
    _Atomic int handled; /* requests the handler has seen */
    _Atomic int hold;    /* while set, "/hold" does not answer */
};

/* Defaults with short time limits, for tests to change. */
void net_util_config(struct http_config *, struct net_util *);
/* Listens on a free port and starts. */
void net_util_start(struct net_util *, const struct http_config *);
void net_util_stop(struct net_util *, int grace_ms); /* stop and free; asserts that nothing is left open */

/* Handler: "/" says "hello"; "/echo" tells method, path, query, body; "/hold" waits while hold is set;
 * "/big?n=" n bytes; "/none" does not answer; "/204"; "/headers" tries header injection; "/peer"; "/trace". */
void net_util_handler(void *arg, struct http_req *);

int net_util_connect(int port);
void net_util_send(int fd, const char *s);
void net_util_send_n(int fd, const void *p, size_t n);
/* Reads one answer with Content-Length (or none) into out, which is reset; returns its status, -1 at the end. */
int net_util_reply(int fd, struct buf *out);
/* The same for an answer to HEAD: no body follows. */
int net_util_head(int fd, struct buf *out);
/* Reads until the peer closes or ms pass; true when it closed. Appends. */
bool net_util_until_close(int fd, struct buf *out, int ms);
/* Reads until out holds the text; false after ms or at the end. Appends. */
bool net_util_until(int fd, struct buf *out, const char *text, int ms);
const char *net_util_body(const struct buf *reply); /* after the empty line */
/* Waits until cond(arg) holds, at most 5 s. */
bool net_util_wait(bool (*cond)(void *arg), void *arg);
