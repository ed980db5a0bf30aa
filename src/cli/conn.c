/* conn - see conn.h.
 *
 * May include: base/ os/.   Threads: one. */
#include "cli/conn.h"
#include "base/buf.h"
#include "base/str.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SYSTEM_DATA "/var/lib/sallyport"

/* A variable that is set to something. */
static const char *env(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

static bool there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static char *find_data(const char *flag)
{
    const char *v = flag ? flag : env("SALLYPORT_DATA");
    if (v)
        return str_dup(v);
    char *own = NULL;
    if ((v = env("XDG_DATA_HOME")))
        own = str_printf("%s/sallyport", v);
    else if ((v = env("HOME")))
        own = str_printf("%s/.local/share/sallyport", v);
    if (own && (there(own) || !there(SYSTEM_DATA)))
        return own;
    free(own);
    return str_dup(SYSTEM_DATA);
}

static int set_token(struct conn *c, const char *p, size_t n, const char *from, struct err *e)
{
    while (n > 0 && strchr(" \t\r\n", p[n - 1]))
        n--;
    if (n == 0 || n >= sizeof c->token)
        return err_set(e, ERR_UNAUTHORIZED, "%s holds no token", from);
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f) /* it becomes a header */
            return err_set(e, ERR_UNAUTHORIZED, "%s holds something that is not a token", from);
    memcpy(c->token, p, n);
    c->token[n] = '\0';
    return 0;
}

static int read_token(struct conn *c, const char *path, struct err *e)
{
    struct buf b = BUF_INIT(4 * KIB);
    int r = file_read(AT_FDCWD, path, &b, e);
    if (r < 0)
        r = err_set(e, ERR_UNAUTHORIZED, "the token file %s cannot be read", path);
    else
        r = set_token(c, b.p ? b.p : "", b.len, path, e);
    if (b.p)
        secure_wipe(b.p, b.cap);
    buf_fini(&b);
    return r;
}

/* The port of a URL on this machine, -1 when it is on another one. */
static long local_port(const char *url)
{
    static const char *const names[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(url, names[i], n) != 0 || strchr(url, '@'))
            continue;
        if (url[n] == '\0' || url[n] == '/')
            return 80;
        if (url[n] == ':')
            return strtol(url + n + 1, NULL, 10);
    }
    return -1;
}

/* A server holds DATA/lock as long as it lives. */
static bool server_lives(const struct conn *c)
{
    char *path = str_printf("%s/lock", c->data);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool lives = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    free(path);
    fd_close(&fd);
    return lives;
}

/* Is it the server of DATA that listens at this URL? It says so in DATA/address. When it does not live, anybody of this
 * machine may listen there and would be handed the admin token. */
static bool is_ours(const struct conn *c)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    char *path = str_printf("%s/address", c->data), *colon;
    long port = local_port(c->url);
    bool ours = path && port > 0 && server_lives(c) && file_read(AT_FDCWD, path, &b, NULL) == 0 && b.len > 0 &&
                (colon = strrchr(b.p, ':')) != NULL && strtol(colon + 1, NULL, 10) == port;
    free(path);
    return ours;
}

static int find_token(struct conn *c, const char *token_file, struct err *e)
{
    const char *file = token_file ? token_file : env("SALLYPORT_TOKEN_FILE");
    const char *text = env("SALLYPORT_TOKEN");
    if (file)
        return read_token(c, file, e);
    if (text)
        return set_token(c, text, strlen(text), "SALLYPORT_TOKEN", e);
    if (!c->url || !is_ours(c))
        return 0;
    char *admin = str_printf("%s/admin-token", c->data);
    if (!admin)
        return err_oom(e);
    int r = there(admin) ? read_token(c, admin, e) : 0;
    free(admin);
    return r;
}

int conn_find(struct conn *c, const char *url, const char *token_file, const char *data, struct err *e)
{
    *c = (struct conn){.data = find_data(data)};
    const char *u = url ? url : data ? NULL : env("SALLYPORT_URL");
    if (c->data)
        c->sock = str_printf("%s/sock", c->data);
    if (!c->data || !c->sock)
        return err_oom(e);
    if (!u && (data || env("SALLYPORT_DATA")) && !there(c->sock)) /* another server than the one named would answer */
        return err_set(e, ERR_UNREACHABLE, "no server has its socket in %s: is `sallyport serve --data %s` running?",
                       c->data, c->data);
    if (u || !there(c->sock)) {
        free(TAKE(c->sock));
        c->url = str_dup(u ? u : CONN_URL_DEFAULT);
        if (!c->url)
            return err_oom(e);
    }
    return find_token(c, token_file, e);
}

void conn_fini(struct conn *c)
{
    free(c->data);
    free(c->url);
    free(c->sock);
    secure_wipe(c, sizeof *c);
}
