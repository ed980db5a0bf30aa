/* changes - see changes.h: the list, its forms (JSON, digest, patch), and sealing. Scanning is in changes_scan.c.
 *
 * May include: base os.   Threads: a struct changes has one owner. */
#include "sandbox/changes.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/changes_priv.h"

void changes_free(struct changes *c)
{
    if (!c)
        return;
    free(c->item);
    free(c->shown);
    arena_free(c->arena);
    free(c);
}

size_t changes_len(const struct changes *c)
{
    return c->nshown;
}

const struct change *changes_at(const struct changes *c, size_t i)
{
    return &c->item[c->shown[i]].c;
}

struct changes_sum changes_sum(const struct changes *c)
{
    struct changes_sum s = {0};
    for (size_t i = 0; i < c->nshown; i++) {
        const struct change *x = changes_at(c, i);
        if (x->refused) {
            s.refused++;
            continue;
        }
        s.files += !(x->kind == CH_DELETED && x->opaque_dir);
        s.additions += x->additions;
        s.deletions += x->deletions;
    }
    return s;
}

static const char *kind_name(enum change_kind k)
{
    static const char *const names[] = {"added", "modified", "deleted", "mode", "kind"};
    return names[k];
}

void changes_digest(const struct changes *c, char ret_hex[65])
{
    memcpy(ret_hex, c->digest, sizeof c->digest);
}

/* Everything apply acts on, the implied directories too; a NUL ends each path, so no name can imitate a field. */
int changes_set_digest(struct changes *c, struct err *e)
{
    AUTO_PTR(sha256_free) struct sha256 *sha = sha256_new();
    if (!sha)
        return err_oom(e);
    for (size_t i = 0; i < c->n; i++) {
        const struct change *x = &c->item[i].c;
        char line[256];
        int n =
            snprintf(line, sizeof line, "%s %06o %06o %s %s %d ", kind_name(x->kind), x->old_mode, x->new_mode,
                     *x->old_sha256 ? x->old_sha256 : "-", *x->new_sha256 ? x->new_sha256 : "-", x->refused != NULL);
        sha256_add(sha, line, (size_t)n);
        sha256_add(sha, x->path, strlen(x->path) + 1);
    }
    uint8_t sum[SHA256_LEN];
    sha256_final(sha, sum);
    hex_encode(sum, sizeof sum, c->digest);
    return 0;
}

static void json_mode(struct jw *w, const char *key, uint32_t mode)
{
    char s[16];
    snprintf(s, sizeof s, "%06o", mode);
    jw_kstr(w, key, mode ? s : NULL);
}

void changes_json_one(const struct change *x, struct jw *w)
{
    jw_obj(w);
    jw_kbytes(w, "path", x->path, strlen(x->path));
    jw_kstr(w, "kind", kind_name(x->kind));
    json_mode(w, "old_mode", x->old_mode);
    json_mode(w, "new_mode", x->new_mode);
    jw_kint(w, "old_bytes", x->old_bytes);
    jw_kint(w, "new_bytes", x->new_bytes);
    jw_kint(w, "additions", x->additions);
    jw_kint(w, "deletions", x->deletions);
    jw_kbool(w, "binary", x->binary);
    jw_kstr(w, "refused", x->refused);
    jw_end_obj(w);
}

/* --- sealing ------------------------------------------------------------------------------------- */

static int open_layer(const char *run_dir, const char *layer, struct err *e)
{
    if (!path_is_plain(layer) || strchr(layer, '/'))
        return err_set(e, ERR_INVALID, "not the name of a layer");
    char *path = str_printf("%s/layers/%s", run_dir, layer);
    if (!path)
        return err_oom(e);
    int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    free(path);
    return fd < 0 ? err_sys(e, ERR_IO, "open layer %s", layer) : fd;
}

int changes_open_upper(const char *run_dir, const char *layer, struct err *e)
{
    AUTO(fd_close) int dir = open_layer(run_dir, layer, e);
    if (dir < 0)
        return dir;
    int fd = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_sys(e, ERR_IO, "open layer %s", layer) : fd;
}

int changes_seal(const char *run_dir, const char *layer, struct err *e)
{
    AUTO(fd_close) int dir = open_layer(run_dir, layer, e);
    if (dir < 0)
        return dir;
    AUTO(fd_close) int upper = changes_open_upper(run_dir, layer, e);
    if (upper < 0)
        return upper;
    AUTO(fd_close) int modes = openat(dir, "modes", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (modes < 0)
        return err_sys(e, ERR_IO, "seal layer %s", layer);
    int r = layer_unlock(upper, modes, e);
    return r < 0 ? err_wrap(e, r, "seal layer %s", layer) : 0;
}
