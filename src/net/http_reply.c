/* http_reply - builds the bytes of an answer.
 *
 * Why it exists: every answer has the same safe fields and the same error
 * shape, whoever makes it: a handler, or the loop when it refuses.
 * May include: base/ os/.   Threads: the request's handler; refusals: the loop. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/json.h"
#include "base/str.h"
#include "net/http_char.h"
#include "net/http_int.h"
#include "os/clock.h"

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return ""; /* may be empty (RFC 9112, 4) */
}

/* IMF-fixdate (RFC 9110, 5.6.7); not strftime, which speaks the locale's language. */
static void add_date(struct buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(clock_now_us() / SEC_US);
    struct tm t;
    if (gmtime_r(&now, &t))
        buf_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + t.tm_wday * 3, t.tm_mday,
                   months + t.tm_mon * 3, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static bool bodyless(int status)
{
    return status == 204 || status == 304;
}

void http_reply_head(struct buf *out, const struct http_req *rq, int status, const char *type, int64_t nbody,
                     const char *framing)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, reason(status));
    add_date(out);
    if (type)
        buf_printf(out, "Content-Type: %s\r\n", type);
    if (nbody >= 0 && !bodyless(status))
        buf_printf(out, "Content-Length: %lld\r\n", (long long)nbody);
    if (framing)
        buf_puts(out, framing);
    buf_printf(out, "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n", rq->trace);
    if (!rq->has_cache)
        buf_puts(out, "Cache-Control: no-store\r\n");
    if (status == 426) /* RFC 9110, 7.8: who sends Upgrade names it here, too */
        buf_puts(out, rq->keep ? "Connection: Upgrade\r\n" : "Connection: Upgrade, close\r\n");
    else if (!rq->keep)
        buf_puts(out, "Connection: close\r\n");
    else if (rq->msg->http10)
        buf_puts(out, "Connection: keep-alive\r\n");
    buf_add(out, rq->extra.p, rq->extra.len);
    buf_puts(out, "\r\n");
}

void http_reply_switch(struct buf *out, const struct http_req *rq, const char *fields)
{
    buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\n");
    add_date(out);
    buf_puts(out, fields);
    buf_printf(out, "X-Request-Id: %s\r\n", rq->trace);
    buf_add(out, rq->extra.p, rq->extra.len);
    buf_puts(out, "\r\n");
}

void http_error_json(struct buf *out, const struct err *e, const char *details, const char *trace_id)
{
    int code = e && e->code ? e->code : ERR_INTERNAL;
    const struct err_info *info = err_info(code);
    struct jw w = JW_INIT(out);
    jw_obj(&w);
    jw_key(&w, "error");
    jw_obj(&w);
    jw_kstr(&w, "code", info->name);
    jw_kstr(&w, "message", e && e->msg[0] ? e->msg : info->text);
    jw_key(&w, "details");
    if (details) {
        jw_raw(&w, details, strlen(details));
    } else {
        jw_obj(&w);
        jw_kstr_opt(&w, "field", e ? e->field : NULL);
        jw_end_obj(&w);
    }
    jw_kstr(&w, "trace_id", trace_id);
    jw_end_obj(&w);
    jw_end_obj(&w);
}

/* ---- the handler's side -------------------------------------------------- */

static bool server_owned(const char *name)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection",   "date",
                                      "keep-alive",     "content-type",      "x-request-id", "x-content-type-options"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcasecmp(name, own[i]) == 0)
            return true;
    return false;
}

int http_reply_header(struct http_req *rq, const char *name, const char *value, struct err *e)
{
    if (rq->answered)
        return err_set(e, ERR_STATE, "the request was answered already");
    if (!http_char_all_token(name) || !http_char_all_value(value) || server_owned(name))
        return err_set(e, ERR_INVALID, "the header field cannot be sent");
    size_t need = strlen(name) + strlen(value) + 4;
    if (need > rq->extra.max - rq->extra.len)
        return err_set(e, ERR_TOO_LARGE, "the answer's header fields are too large");
    buf_printf(&rq->extra, "%s: %s\r\n", name, value);
    if (rq->extra.bad)
        return err_oom(e);
    if (strcasecmp(name, "cache-control") == 0)
        rq->has_cache = true;
    return 0;
}

/* What is sent when the answer cannot be built: an error in its place, or, without memory for that too, the bare
 * status. The connection ends, so nothing half-made gets out. */
static void give_up(struct http_req *rq, const struct err *e)
{
    buf_reset(&rq->head);
    buf_reset(&rq->body);
    rq->keep = false;
    rq->status = err_info(e ? e->code : ERR_INTERNAL)->http;
    http_error_json(&rq->body, e, NULL, rq->trace);
    http_reply_head(&rq->head, rq, rq->status, "application/json", (int64_t)rq->body.len, NULL);
    if (!rq->head.bad && !rq->body.bad) {
        if (rq->msg->method == HTTP_M_HEAD)
            buf_reset(&rq->body);
        return;
    }
    buf_reset(&rq->head);
    buf_reset(&rq->body);
    rq->status = 500;
    buf_puts(&rq->head, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

int http_reply(struct http_req *rq, int status, const char *type, const void *body, size_t n)
{
    struct err e = ERR_INIT;

    if (rq->answered)
        return -ERR_STATE;
    if (n > rq->body.max && rq->local)
        return http_reply_err(rq, &(struct err){.code = ERR_TOO_LARGE, .msg = "the answer is too large: ask for less"});
    if (n > rq->body.max)
        return http_reply_err(rq, &(struct err){.code = ERR_INTERNAL, .msg = "the answer is larger than allowed"});
    rq->answered = true;
    rq->status = status;
    if (status < 200 || status > 599 || (type && !http_char_all_value(type))) {
        (void)err_set(&e, ERR_INTERNAL, "the answer has a status or type that cannot be sent");
        give_up(rq, &e);
        return -ERR_INVALID;
    }
    http_reply_head(&rq->head, rq, status, type, (int64_t)n, NULL);
    if (rq->msg->method != HTTP_M_HEAD && !bodyless(status))
        buf_add(&rq->body, body, n);
    if (rq->head.bad || rq->body.bad) {
        (void)err_oom(&e);
        give_up(rq, &e);
        return -ERR_OOM;
    }
    return 0;
}

int http_reply_err(struct http_req *rq, const struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    http_error_json(&b, e, NULL, rq->trace);
    if (b.bad && !rq->answered) {
        rq->answered = true;
        give_up(rq, e);
        return -ERR_OOM;
    }
    return http_reply(rq, err_info(e ? e->code : ERR_INTERNAL)->http, "application/json", b.p, b.len);
}

/* ---- the loop's side ------------------------------------------------------- */

void http_reply_refusal(struct buf *out, const struct err *e)
{
    unsigned char raw[HTTP_TRACE_LEN / 2];
    char trace[HTTP_TRACE_LEN + 1];
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    int status = err_info(e->code)->http;

    random_bytes(raw, sizeof raw);
    hex_encode(raw, sizeof raw, trace);
    http_error_json(&b, e, NULL, trace);
    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, reason(status));
    add_date(out);
    buf_printf(out,
               "Content-Type: application/json\r\nContent-Length: %zu\r\nX-Request-Id: %s\r\n"
               "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n",
               b.len, trace);
    if (status == 405)
        buf_puts(out, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    buf_puts(out, "\r\n");
    buf_add(out, b.p, b.len);
}
