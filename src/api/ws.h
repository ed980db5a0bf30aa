/* ws - the WebSocket gateway: GET /api/v1/ws. Internal to src/api/.
 *
 * Why it exists: one connection for requests and any number of event streams, for
 * consoles, SharedWorkers and programs. It holds no second implementation: a
 * method is the name of a route (routes.c), and goes through the dispatcher as
 * that route's request.
 *
 *   client                                server
 *   {"type":"req","id","method",    ──►   one answer each, in the order of the requests
 *    "params"?}                     ◄──   {"type":"res","id","ok":true,"result"}
 *                                   ◄──   {"type":"res","id","ok":false,"error"}
 *   req subscribe {run_id,          ──►   res {subscription}, and from then on
 *    cursor?}                       ◄──   {"type":"event","subscription","event"}: an Event; its id is the cursor
 *                                   ◄──   {"type":"event","subscription","error"}: it ended early
 *
 * The first request is connect {protocol:{min,max}, token?, cursors?}; its result is `hello`.
 *
 * Threads (net/ws.h): `message` on one handler thread at a time, `fill` on one; g->mu guards what both touch. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "api/call.h"
#include "api/tally.h"
#include "net/ws.h"
#include "service/auth.h"

#define WS_PROTOCOL    1
#define WS_SUBPROTOCOL "sallyport.v1"
#define WS_ID_MAX      64
#define WS_MESSAGE_MAX (4 * MIB + 64 * KIB) /* the largest body of a route, and what goes around it */
#define WS_REPLY_MAX   (4 * MIB)
#define WS_SUBS_MAX    100
#define WS_RATE        100 /* messages a second, in the long run */
#define WS_BURST       400 /* and at once; twice as many too many end the connection */

struct ws_sub; /* see ws_subs.c */
struct gate {
    struct api *api;
    struct svc *svc;
    struct ws *ws;
    struct http_peer peer;
    bool has_token, connected;
    char *cookies;   /* of a console's login, until connect; NULL: none */
    struct id login; /* by which it is connected; none: by token or peer */
    double level;    /* of the bucket of messages */
    int64_t level_us;

    pthread_mutex_t mu;
    char token[TOKEN_TEXT_MAX];
    struct caller who; /* set by connect, then read-only */
    struct tally_token *counted;
    struct look *look, login_look; /* at the login, or the token; NULL: not connected */
    char trace_id[33];             /* of the request that opened it */
    struct ws_sub *subs, **last;
    unsigned nsubs; /* opened or being opened */
    uint64_t names; /* given so far */
};

/* A request frame, read and checked; borrowed from its document. */
struct ws_ask {
    const char *id, *method, *trace;
    const struct json *params; /* an object, or NULL */
};

/* ---- ws.c: what goes out --------------------------------------------------- */

/* {"type":"res","id":…,"ok":true,"result": … then one value, and ws_res_send. */
struct jw ws_res(struct buf *out, const struct ws_ask *);
uint64_t ws_say(struct gate *, struct buf *);     /* ws_send: every answer goes out here */
uint64_t ws_res_send(struct gate *, struct jw *); /* closes the frame; takes the buffer; ws_send's number */
void ws_res_err(struct gate *, const char *id, const struct err *);
/* Who it is, now: tokens end and are revoked while connections live. ret: caller_init'ed. */
CHECKED int ws_identify(struct gate *, struct caller *ret, struct err *);

/* ---- ws_call.c: methods that are routes ------------------------------------- */

const struct route *ws_route(const char *method); /* NULL: there is none */
void ws_call(struct gate *, const struct ws_ask *, const struct route *, const struct caller *);

/* ---- ws_subs.c: event streams ------------------------------------------------ */

void ws_subs_init(struct gate *);
void ws_subs_close(struct gate *); /* all; `closed` only */
/* Opens one, which says nothing before ws_sub_start. */
CHECKED int ws_sub_open(struct gate *, const char *tenant, const struct id *run, const char *cursor,
                        struct ws_sub **ret, struct err *);
void ws_sub_json(struct jw *, struct ws_sub *); /* {"subscription","run_id","cursor"} */
/* Its events come after message number `after`; 0: there was no such message, and it is closed. */
void ws_sub_start(struct gate *, struct ws_sub *, uint64_t after);
int ws_subscribe(struct gate *, const struct ws_ask *, const struct caller *, struct err *);
int ws_unsubscribe(struct gate *, const struct ws_ask *, struct err *);
enum http_fill ws_subs_fill(struct gate *, unsigned why, uint64_t sent, struct buf *out);
/* The same as far as it goes without blocking; g->mu is held. */
enum http_fill ws_subs_poll(struct gate *, unsigned why, uint64_t sent, struct buf *out);
