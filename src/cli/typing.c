/* typing - see typing.h. */
#include "cli/typing.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "os/clock.h"

#define PIECE    ((size_t)(16 * KIB)) /* sent at a time */
#define FULL_MS  20                   /* between two tries when it is not taken; doubles … */
#define FULL_MAX 500
#define LOST_US  (60 * SEC_US) /* then we give up */

struct typing {
    struct api *api;
    const char *step;
    int tell;
    pthread_t thread;
    bool started;

    pthread_mutex_t mu; /* over all that follows */
    pthread_cond_t more;
    struct buf queue;
    bool eof, resize, quit;
    struct winsize size;
    bool closed; /* the step takes no more input */
    int r;       /* why the sender gave up */
    struct err e;

    /* the sender's alone */
    bool known; /* where the input goes on: */
    uint64_t offset;
    int64_t lost_us; /* since when the server does not answer; 0: it does */
    int wait_ms;
};

static void tell(struct typing *t)
{
    uint64_t one = 1;
    (void)!write(t->tell, &one, sizeof one);
}

/* ---- requests ---------------------------------------------------------------- */

static int post(struct typing *t, const char *what, const struct buf *body, int64_t *ret_accepted, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    api_path(&path, "/steps/{}/{}", t->step, what, NULL);
    t->api->answered = false; /* a lost connection is tried again here, not there */
    int r = api_send(t->api, "POST", &path, body, &reply, e);
    const struct json *expected = json_get(json_get(json_get(reply.json, "error"), "details"), "expected");
    if (r == -ERR_CONFLICT && json_type(expected) == JT_INT) {
        *ret_accepted = json_int(expected);
        return 1;
    }
    if (r == 0)
        *ret_accepted = json_int(json_get(reply.json, "accepted"));
    return r;
}

static int post_size(struct typing *t, const struct winsize *size, int64_t *ret, struct err *e)
{
    AUTO(buf_fini) struct buf body = BUF_INIT(KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    jw_kint(&w, "cols", size->ws_col);
    jw_kint(&w, "rows", size->ws_row);
    jw_end_obj(&w);
    return post(t, "resize", &body, ret, e);
}

static int post_piece(struct typing *t, const char *p, size_t n, bool eof, int64_t *ret, struct err *e)
{
    struct buf body = BUF_INIT(4 * PIECE);
    struct jw w = JW_INIT(&body);
    char *b64 = malloc(b64_len(n) + 1);
    if (!b64)
        return err_oom(e);
    b64_encode(p, n, b64);
    jw_obj(&w);
    jw_kint(&w, "offset", (int64_t)t->offset);
    jw_kstr(&w, "text_b64", b64);
    if (eof)
        jw_kbool(&w, "eof", true);
    jw_end_obj(&w);
    int r = post(t, "input", &body, ret, e);
    secure_wipe(b64, b64_len(n));
    free(b64);
    if (body.p)
        secure_wipe(body.p, body.cap);
    buf_fini(&body);
    return r;
}

/* Lock held. False: time to end. */
static bool sleep_ms(struct typing *t, int ms)
{
    int64_t until = clock_mono_us() + ms * MS_US;
    struct timespec ts = {.tv_sec = until / SEC_US, .tv_nsec = until % SEC_US * 1000};
    while (!t->quit && pthread_cond_timedwait(&t->more, &t->mu, &ts) != ETIMEDOUT)
        ;
    return !t->quit;
}

/* Lock held. The request did not go through: 0: again later; else it is over. */
static int refused(struct typing *t, int r, struct err *e)
{
    int64_t now = clock_mono_us();
    if (r == -ERR_STATE) { /* the reader sees why */
        t->closed = true;
        return 0;
    }
    if (!api_lost(r) && !err_info(-r)->retryable)
        return r;
    if (t->lost_us == 0)
        t->lost_us = now;
    if (now - t->lost_us > LOST_US)
        return r;
    (void)sleep_ms(t, t->wait_ms);
    t->wait_ms = t->wait_ms * 2 < FULL_MAX ? t->wait_ms * 2 : FULL_MAX;
    return 0;
}

/* Lock held. What was accepted of the first n bytes of the queue goes. */
static void accepted(struct typing *t, int64_t now_at, size_t n, bool theirs)
{
    uint64_t at = (uint64_t)now_at, part = !theirs && at > t->offset ? at - t->offset : 0;
    size_t took = part < n ? (size_t)part : n;
    memmove(t->queue.p, t->queue.p + took, t->queue.len - took);
    t->queue.len -= took;
    secure_wipe(t->queue.p + t->queue.len, took);
    t->offset = at;
    if (took || theirs || n == 0) {
        t->wait_ms = FULL_MS;
        tell(t); /* there is room */
    } else {     /* the step does not read */
        (void)sleep_ms(t, t->wait_ms);
        t->wait_ms = t->wait_ms * 2 < FULL_MAX ? t->wait_ms * 2 : FULL_MAX;
    }
}

/* Lock held, and let go of while a request is under way. */
static int send_some(struct typing *t, char *piece, struct err *e)
{
    struct winsize size = t->size;
    bool resize = t->resize, all = false;
    size_t n = 0;
    int64_t at = 0;
    if (!resize && t->known) {
        n = t->queue.len < PIECE ? t->queue.len : PIECE;
        all = t->eof && n == t->queue.len;
        if (n)
            memcpy(piece, t->queue.p, n);
    }
    t->resize = false;
    pthread_mutex_unlock(&t->mu);
    int r = resize ? post_size(t, &size, &at, e) : post_piece(t, piece, n, all, &at, e);
    pthread_mutex_lock(&t->mu);
    if (r < 0) {
        t->resize = t->resize || resize;
        return refused(t, r, e);
    }
    t->lost_us = 0;
    if (resize && t->known)
        return 0;
    if (!t->known) {
        t->known = true;
        t->offset = (uint64_t)at;
        return 0;
    }
    if (all && r == 0 && (uint64_t)at >= t->offset + n)
        t->closed = true;
    accepted(t, at, n, r == 1);
    return 0;
}

static void *sender_main(void *arg)
{
    struct typing *t = arg;
    struct err e = ERR_INIT;
    char *piece = malloc(PIECE);
    int r = piece ? 0 : err_oom(&e);
    pthread_mutex_lock(&t->mu);
    while (r == 0 && !t->quit && !t->closed) {
        if (t->queue.len || t->eof || t->resize)
            r = send_some(t, piece, &e);
        else
            pthread_cond_wait(&t->more, &t->mu);
    }
    if (r < 0 && r != -ERR_INTERRUPTED) {
        t->r = r;
        t->e = e;
    }
    pthread_mutex_unlock(&t->mu);
    if (piece)
        secure_wipe(piece, PIECE);
    free(piece);
    tell(t);
    return NULL;
}

/* ---- from the other threads ---------------------------------------------------- */

int typing_new(struct api *api, const char *step, int tell_fd, struct typing **ret, struct err *e)
{
    struct typing *t = calloc(1, sizeof *t);
    pthread_condattr_t at;
    if (!t)
        return err_oom(e);
    t->api = api;
    t->step = step;
    t->tell = tell_fd;
    t->wait_ms = FULL_MS;
    pthread_mutex_init(&t->mu, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&t->more, &at);
    pthread_condattr_destroy(&at);
    buf_init(&t->queue, TYPING_MAX);
    *ret = t;
    return 0;
}

int typing_start(struct typing *t, struct err *e)
{
    errno = pthread_create(&t->thread, NULL, sender_main, t);
    t->started = errno == 0;
    return t->started ? 0 : err_sys(e, ERR_IO, "start a thread");
}

bool typing_put(struct typing *t, const char *p, size_t n, bool eof)
{
    pthread_mutex_lock(&t->mu);
    size_t room = TYPING_MAX - t->queue.len;
    bool fits = n <= room;
    buf_add(&t->queue, p, fits ? n : room);
    t->eof = t->eof || eof;
    pthread_cond_broadcast(&t->more);
    pthread_mutex_unlock(&t->mu);
    return fits;
}

void typing_size(struct typing *t, const struct winsize *size)
{
    pthread_mutex_lock(&t->mu);
    t->size = *size;
    t->resize = true;
    pthread_cond_broadcast(&t->more);
    pthread_mutex_unlock(&t->mu);
}

int typing_look(struct typing *t, struct typing_state *ret, struct err *e)
{
    pthread_mutex_lock(&t->mu);
    int r = t->r;
    *ret = (struct typing_state){.waiting = t->queue.len, .eof = t->eof, .closed = t->closed};
    if (r < 0 && e)
        *e = t->e;
    pthread_mutex_unlock(&t->mu);
    return r;
}

void typing_quit(struct typing *t)
{
    pthread_mutex_lock(&t->mu);
    t->quit = true;
    pthread_cond_broadcast(&t->more);
    pthread_mutex_unlock(&t->mu);
}

void typing_join(struct typing *t)
{
    if (t->started)
        pthread_join(t->thread, NULL);
    t->started = false;
}

void typing_free(struct typing *t)
{
    if (!t)
        return;
    typing_quit(t);
    typing_join(t);
    if (t->queue.p)
        secure_wipe(t->queue.p, t->queue.cap);
    buf_fini(&t->queue);
    pthread_cond_destroy(&t->more);
    pthread_mutex_destroy(&t->mu);
    free(t);
}
