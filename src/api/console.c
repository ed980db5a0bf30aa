#include "api/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/str.h"

#define TAG_MAX 48

/* The same for every file: a worker's policy is that of its own file. Nothing comes from, or goes to, anywhere else;
 * no inline script or style; and a script's URL for a worker is only made by the policy `sallyport` of the page. */
static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sallyport";

static const char *const pages[] = {"/",       "/inbox", "/projects", "/plan",     "/runs",
                                    "/policy", "/audit", "/queue",    "/settings", "/login"};

static const char without[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Sallyport</title>"
    "<h1>Sallyport</h1><p>The server runs; this build of it has no web console (%s).</p>"
    "<p>To get it: install Node.js 18 or newer with npm (Debian: <code>apt install nodejs npm</code>), then run "
    "<code>make clean &amp;&amp; make</code>.</p><p>All else is there: the command line (<code>sallyport "
    "--help</code>) and the "
    "<a href=\"/docs\">API</a>.</p></html>\n";

/* ---- which file -------------------------------------------------------- */

bool console_is_page(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (strcmp(pages[i], path) == 0)
            return true;
    return str_starts(path, "/runs/") && path[6] && !strchr(path + 6, '/');
}

const struct console_file *console_find(const char *path)
{
    if (console_is_page(path))
        path = "/index.html";
    for (size_t i = 0; i < console_nfiles; i++)
        if (strcmp(console_files[i].path, path) == 0)
            return &console_files[i];
    return NULL;
}

/* ---- what the client wants --------------------------------------------- */

/* The next member of a comma-separated list, blanks around it cut; false at the end. */
static bool next_member(const char **p, const char **ret, size_t *ret_n)
{
    const char *s = *p + strspn(*p, ", \t");
    size_t n = strcspn(s, ",");

    *p = s + n;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    *ret = s;
    *ret_n = n;
    return n > 0;
}

/* ";q=0", ";q=0.0": not acceptable. */
static bool is_refused(const char *s, size_t n)
{
    const char *q = memchr(s, ';', n), *end = s + n;

    if (!q)
        return false;
    for (q++; q < end && (*q == ' ' || *q == '\t'); q++)
        ;
    if (end - q < 3 || (q[0] != 'q' && q[0] != 'Q') || q[1] != '=')
        return false;
    for (q += 2; q < end; q++)
        if (*q != '0' && *q != '.')
            return false;
    return true;
}

bool console_takes_gzip(const char *accept)
{
    const char *s;
    bool any = false;
    size_t n;

    while (accept && next_member(&accept, &s, &n)) {
        size_t len = 0;

        while (len < n && !strchr("; \t", s[len]))
            len++;
        if ((len == 4 && strncasecmp(s, "gzip", 4) == 0) || (len == 6 && strncasecmp(s, "x-gzip", 6) == 0))
            return !is_refused(s, n);
        if (len == 1 && *s == '*')
            any = !is_refused(s, n);
    }
    return any;
}

bool console_has_tag(const char *list, const char *tag)
{
    const char *s;
    size_t n;

    while (list && next_member(&list, &s, &n)) {
        if (n == 1 && *s == '*')
            return true;
        if (n > 2 && s[0] == 'W' && s[1] == '/') { /* weak comparison (RFC 9110, 8.8.3.2) */
            s += 2;
            n -= 2;
        }
        if (strlen(tag) == n && memcmp(s, tag, n) == 0)
            return true;
    }
    return false;
}

bool console_wants_page(const char *accept)
{
    static const char html[] = "text/html";
    const char *s;
    size_t n;

    while (accept && next_member(&accept, &s, &n)) {
        const char *q = memchr(s, ';', n);
        size_t len = q ? (size_t)(q - s) : n;

        while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
            len--;
        if (len == sizeof html - 1 && strncasecmp(s, html, len) == 0)
            return !is_refused(s, n);
    }
    return false;
}

/* ---- the answer -------------------------------------------------------- */

static int page_headers(struct http_req *rq, struct err *e)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"Content-Security-Policy", csp},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
        r = http_reply_header(rq, rows[i].name, rows[i].value, e);
    return r;
}

static int file_headers(struct http_req *rq, const struct console_file *f, bool as_gzip, const char *tag, struct err *e)
{
    int r = page_headers(rq, e);

    if (r == 0)
        r = http_reply_header(rq, "Cache-Control", f->immutable ? "public, max-age=31536000, immutable" : "no-cache",
                              e);
    if (r == 0)
        r = http_reply_header(rq, "ETag", tag, e);
    if (r == 0 && f->packed)
        r = http_reply_header(rq, "Vary", "Accept-Encoding", e);
    if (r == 0 && as_gzip)
        r = http_reply_header(rq, "Content-Encoding", "gzip", e);
    return r;
}

/* 16: the header and trailer of gzip are zlib's to check. */
static int inflate_file(const struct console_file *f, unsigned char *out, struct err *e)
{
    z_stream z = {.next_in = (unsigned char *)console_bytes + f->at, /* zlib does not write there */
                  .avail_in = (uInt)f->stored,
                  .next_out = out,
                  .avail_out = (uInt)f->plain};
    int r;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return err_oom(e);
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return r == Z_STREAM_END && z.avail_out == 0 ? 0 : err_set(e, ERR_INTERNAL, "a file of the console is damaged");
}

static int send_inflated(struct http_req *rq, int status, const struct console_file *f, struct err *e)
{
    unsigned char *plain = malloc(f->plain + 1);
    int r = plain ? inflate_file(f, plain, e) : err_oom(e);

    if (r == 0)
        r = http_reply(rq, status, f->type, plain, f->plain);
    free(plain);
    return r;
}

static int send_bytes(struct http_req *rq, int status, const struct console_file *f, bool as_gzip, struct err *e)
{
    return f->packed && !as_gzip ? send_inflated(rq, status, f, e)
                                 : http_reply(rq, status, f->type, console_bytes + f->at, f->stored);
}

static int send_file(struct http_req *rq, const struct console_file *f, struct err *e)
{
    bool as_gzip = f->packed && console_takes_gzip(http_req_header(rq, "accept-encoding"));
    char tag[TAG_MAX];
    int r;

    /* Other bytes, another tag: RFC 9110, 8.8.3.3. */
    snprintf(tag, sizeof tag, "\"%s%s\"", f->tag, as_gzip ? "-gz" : "");
    if (console_has_tag(http_req_header(rq, "if-none-match"), tag)) {
        r = file_headers(rq, f, false, tag, e);
        return r < 0 ? r : http_reply(rq, 304, NULL, "", 0);
    }
    r = file_headers(rq, f, as_gzip, tag, e);
    return r < 0 ? r : send_bytes(rq, 200, f, as_gzip, e);
}

static int send_without(struct http_req *rq, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    int r = page_headers(rq, e);

    buf_printf(&b, without, console_missing);
    if (b.bad)
        return err_oom(e);
    return r < 0 ? r : http_reply(rq, 200, "text/html; charset=utf-8", b.p, b.len);
}

int console_serve(struct http_req *rq, bool *ret_taken, struct err *e)
{
    const char *path = http_req_path(rq);
    const struct console_file *f = console_find(path);
    enum http_method m = http_req_method(rq);
    bool page = console_is_page(path);
    int r;

    *ret_taken = f || page;
    if (!*ret_taken)
        return 0;
    if (m != HTTP_M_GET && m != HTTP_M_HEAD) {
        r = http_reply_header(rq, "Allow", "GET, HEAD", e);
        return r < 0 ? r : err_set(e, ERR_METHOD, "%s takes: GET, HEAD", path);
    }
    return f ? send_file(rq, f, e) : send_without(rq, e);
}

int console_serve_lost(struct http_req *rq, bool *ret_taken, struct err *e)
{
    const struct console_file *f = console_find("/index.html");
    enum http_method m = http_req_method(rq);
    const char *path = http_req_path(rq);
    bool as_gzip;
    int r;

    *ret_taken = f && (m == HTTP_M_GET || m == HTTP_M_HEAD) && console_wants_page(http_req_header(rq, "accept")) &&
                 !(str_starts(path, "/api") && (path[4] == '\0' || path[4] == '/'));
    if (!*ret_taken)
        return 0;
    as_gzip = f->packed && console_takes_gzip(http_req_header(rq, "accept-encoding"));
    r = page_headers(rq, e);
    if (r == 0)
        r = http_reply_header(rq, "Cache-Control", "no-store", e);
    if (r == 0 && as_gzip)
        r = http_reply_header(rq, "Content-Encoding", "gzip", e);
    return r < 0 ? r : send_bytes(rq, 404, f, as_gzip, e);
}
