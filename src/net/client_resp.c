/* client_resp - see client_resp.h. Interim answers (1xx) are skipped; 101 was never asked for and is refused. */
#include <stdlib.h>
#include <string.h>
#include <llhttp.h>
#include "net/client_resp.h"
#include "net/http_char.h"
#include "net/mem.h"

enum { HEADERS_MAX = 64 * 1024 };

struct client_resp {
    const struct client_call *call;
    struct client_answer *ret;
    llhttp_t lib;
    bool head_done; /* later fields are trailers: ignored */
    bool done, begun, keep, stopped;
};

static bool success(const struct client_resp *r)
{
    return r->ret->status >= 200 && r->ret->status <= 299;
}

static int on_name(llhttp_t *lib, const char *p, size_t n)
{
    struct client_resp *r = lib->data;
    for (size_t i = 0; i < n && !r->head_done; i++)
        buf_addc(&r->ret->headers, http_char_lower(p[i]));
    return r->ret->headers.bad ? HPE_USER : HPE_OK;
}

static int on_value(llhttp_t *lib, const char *p, size_t n)
{
    struct client_resp *r = lib->data;
    if (memchr(p, '\0', n))
        return HPE_USER;
    if (!r->head_done)
        buf_add(&r->ret->headers, p, n);
    return r->ret->headers.bad ? HPE_USER : HPE_OK;
}

static int on_end(llhttp_t *lib)
{
    struct client_resp *r = lib->data;
    if (!r->head_done)
        buf_addc(&r->ret->headers, '\0');
    return HPE_OK;
}

static int on_head(llhttp_t *lib)
{
    struct client_resp *r = lib->data;
    r->ret->status = lib->status_code;
    if (lib->status_code == 101)
        return -1;
    if (lib->status_code / 100 == 1)
        return 0;
    r->head_done = true;
    r->keep = llhttp_should_keep_alive(lib) != 0;
    if (r->call->on_head)
        r->call->on_head(r->call->arg, r->ret);
    return strcmp(r->call->method, "HEAD") == 0; /* 1: no body follows, whatever the fields say */
}

static int on_body(llhttp_t *lib, const char *p, size_t n)
{
    struct client_resp *r = lib->data;
    if (r->call->on_body && success(r)) {
        r->stopped = r->call->on_body(r->call->arg, p, n) != 0;
        return r->stopped ? HPE_USER : HPE_OK;
    }
    buf_add(&r->ret->body, p, n);
    return r->ret->body.bad ? HPE_USER : HPE_OK;
}

static int on_complete(llhttp_t *lib)
{
    struct client_resp *r = lib->data;
    if (!r->head_done) { /* interim: the real answer follows */
        buf_reset(&r->ret->headers);
        return HPE_OK;
    }
    r->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_field_complete = on_end,
    .on_header_value = on_value,
    .on_header_value_complete = on_end,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

struct client_resp *client_resp_new(const struct client_call *call, size_t max_body, struct client_answer *ret)
{
    struct client_resp *r = mem_new(1, sizeof *r);
    if (!r)
        return NULL;
    r->call = call;
    r->ret = ret;
    buf_init(&ret->headers, HEADERS_MAX);
    buf_init(&ret->body, max_body);
    llhttp_init(&r->lib, HTTP_RESPONSE, &settings);
    r->lib.data = r;
    return r;
}

void client_resp_free(struct client_resp *r)
{
    free(r);
}

static int failed(struct client_resp *r, struct err *e)
{
    if (r->ret->body.bad == -ERR_OOM || r->ret->headers.bad == -ERR_OOM)
        return err_oom(e);
    if (r->ret->body.bad || r->ret->headers.bad)
        return err_set(e, ERR_TOO_LARGE, "the server's answer is larger than %zu bytes",
                       r->ret->headers.bad ? (size_t)HEADERS_MAX : r->ret->body.max);
    const char *why = llhttp_get_error_reason(&r->lib);
    return err_set(e, ERR_IO, "the server's answer is not proper HTTP%s%s", why && *why ? ": " : "",
                   why && *why ? why : "");
}

int client_resp_feed(struct client_resp *r, const char *p, size_t n, struct err *e)
{
    if (n == 0) {
        enum llhttp_errno x = llhttp_finish(&r->lib);
        r->keep = false;
        if (r->done)
            return 0;
        return x == HPE_OK && !r->begun ? err_set(e, ERR_UNREACHABLE, "the server closed the connection")
                                        : err_set(e, ERR_IO, "the connection ended before the answer was complete");
    }
    r->begun = true;
    enum llhttp_errno x = llhttp_execute(&r->lib, p, n);
    if (r->stopped) {
        r->done = true;
        r->keep = false;
        return 0;
    }
    if (r->done) {
        if (llhttp_get_error_pos(&r->lib) != p + n) /* bytes after the answer: nobody asked for them */
            r->keep = false;
        return 0;
    }
    return x == HPE_OK ? 0 : failed(r, e);
}

bool client_resp_done(const struct client_resp *r)
{
    return r->done;
}

bool client_resp_begun(const struct client_resp *r)
{
    return r->begun;
}

bool client_resp_keep(const struct client_resp *r)
{
    return r->done && r->keep;
}
