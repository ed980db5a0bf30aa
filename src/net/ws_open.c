/* ws_open - the opening handshake (RFC 6455, 4.2); see ws.h. */
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/str.h"
#include "net/http_char.h"
#include "net/ws_int.h"

/* Does a field of this name, in any of its lines, list the token? (RFC 9110, 5.6.1) */
static bool lists(const struct http_req *rq, const char *name, const char *token, bool exact)
{
    size_t n = strlen(token);
    for (size_t i = 0; i < http_req_nheaders(rq); i++) {
        if (strcmp(http_req_header_name(rq, i), name) != 0)
            continue;
        for (const char *p = http_req_header_value(rq, i); *p;) {
            p += strspn(p, " \t,");
            size_t k = 0;
            while (p[k] && http_char_token(p[k]))
                k++;
            const char *after = p + k + strspn(p + k, " \t");
            if (k == n && (exact ? strncmp : strncasecmp)(p, token, n) == 0 && (*after == ',' || !*after))
                return true;
            p += strcspn(p, ",");
        }
    }
    return false;
}

/* 4.2.1: what makes it a handshake at all, and of which version. */
static int check_upgrade(struct http_req *rq, struct err *e)
{
    const char *version = http_req_header(rq, "sec-websocket-version");
    if (rq->msg->method != HTTP_M_GET || rq->msg->http10 || !lists(rq, "upgrade", "websocket", false) ||
        !lists(rq, "connection", "upgrade", false)) {
        int r = http_reply_header(rq, "Upgrade", "websocket", e);
        return r < 0 ? r
                     : err_set(e, ERR_UPGRADE,
                               "this is for WebSocket: send GET, HTTP/1.1, Connection: Upgrade, Upgrade: websocket");
    }
    if (!str_eq(version, "13")) {
        int r = http_reply_header(rq, "Sec-WebSocket-Version", "13", e);
        if (r == 0)
            r = http_reply_header(rq, "Upgrade", "websocket", e);
        return r < 0 ? r : err_field(e, ERR_UPGRADE, "Sec-WebSocket-Version", "the only version spoken here is 13");
    }
    return 0;
}

/* 16 bytes, base64. */
static bool key_ok(const char *key)
{
    unsigned char raw[24];
    return key && strlen(key) == 24 && b64_decode(key, raw) == 16;
}

/* 4.2.2, 5.4 */
static int accept_of(const char *key, char ret[32], struct err *e)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char sum[SHA1_LEN];
    char text[24 + sizeof guid];
    memcpy(text, key, 24);
    memcpy(text + 24, guid, sizeof guid);
    if (!sha1_of(text, 24 + sizeof guid - 1, sum))
        return err_set(e, ERR_UNAVAILABLE,
                       "SHA-1, which the handshake needs, is switched off in this host's libcrypto");
    b64_encode(sum, sizeof sum, ret);
    return 0;
}

int ws_open(struct http_req *rq, const struct ws_config *cfg, const struct ws_ops *ops, void *arg, struct ws **ret,
            struct err *e)
{
    AUTO(buf_fini) struct buf f = BUF_INIT(512);
    const char *key = http_req_header(rq, "sec-websocket-key");
    char accept[32];
    int r = check_upgrade(rq, e);
    if (r < 0)
        return r;
    if (!key_ok(key))
        return err_field(e, ERR_INVALID, "Sec-WebSocket-Key", "send 16 random bytes in base64");
    r = accept_of(key, accept, e);
    if (r < 0)
        return r;
    buf_printf(&f, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n", accept);
    if (cfg->protocol && lists(rq, "sec-websocket-protocol", cfg->protocol, true))
        buf_printf(&f, "Sec-WebSocket-Protocol: %s\r\n", cfg->protocol);
    return f.bad ? err_oom(e) : ws_adopt(rq, f.p, cfg, ops, arg, ret, e);
}
