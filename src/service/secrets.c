#include "service/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"

#define KEY_LEN   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN   crypto_aead_xchacha20poly1305_ietf_ABYTES

struct secrets {
    unsigned char key[KEY_LEN];
};

static int read_key(int fd, unsigned char key[KEY_LEN], struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "stat the key file");
    if (st.st_mode & 077)
        return err_set(e, ERR_CONFIG, "the file `key` in the data directory can be read by others: chmod 600 it");
    if (st.st_size != KEY_LEN)
        return err_set(e, ERR_CONFIG, "the file `key` in the data directory is damaged: restore it from a backup");
    return fd_pread_full(fd, key, KEY_LEN, 0, e);
}

int secrets_open(int data_fd, struct secrets **ret, struct err *e)
{
    struct secrets *s;
    AUTO(fd_close) int fd = -1;
    int r;

    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, "libsodium cannot be initialised");
    s = calloc(1, sizeof *s);
    if (!s)
        return err_oom(e);
    fd = openat(data_fd, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        r = read_key(fd, s->key, e);
    } else if (errno == ENOENT) {
        random_bytes(s->key, KEY_LEN);
        r = file_replace(data_fd, "key", s->key, KEY_LEN, 0600, e);
    } else {
        r = err_sys(e, ERR_IO, "open the file `key` in the data directory");
    }
    if (r < 0) {
        secrets_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

void secrets_close(struct secrets *s)
{
    if (!s)
        return;
    secure_wipe(s, sizeof *s);
    free(s);
}

int secrets_derive(const struct secrets *s, const char *purpose, struct secrets **ret, struct err *e)
{
    struct secrets *d = calloc(1, sizeof *d);

    if (!d)
        return err_oom(e);
    crypto_generichash(d->key, KEY_LEN, (const unsigned char *)purpose, strlen(purpose), s->key, KEY_LEN);
    *ret = d;
    return 0;
}

void secrets_mac(const struct secrets *s, const void *p, size_t n, unsigned char ret[SECRETS_MAC])
{
    crypto_generichash(ret, SECRETS_MAC, p, n, s->key, KEY_LEN);
}

int secrets_seal(const struct secrets *s, const char *owner, const void *p, size_t n, void **ret, size_t *ret_n,
                 struct err *e)
{
    unsigned char *out = malloc(NONCE_LEN + n + TAG_LEN);
    unsigned long long len = 0;

    if (!out)
        return err_oom(e);
    random_bytes(out, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_LEN, &len, p, n, (const unsigned char *)owner, strlen(owner),
                                               NULL, out, s->key);
    *ret = out;
    *ret_n = NONCE_LEN + (size_t)len;
    return 0;
}

int secrets_unseal(const struct secrets *s, const char *owner, const void *p, size_t n, char **ret, size_t *ret_n,
                   struct err *e)
{
    const unsigned char *in = p;
    unsigned long long len = 0;
    char *out;

    if (n < NONCE_LEN + TAG_LEN)
        return err_set(e, ERR_CORRUPT, "a sealed value is too short");
    out = malloc(n - NONCE_LEN - TAG_LEN + 1);
    if (!out)
        return err_oom(e);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out, &len, NULL, in + NONCE_LEN, n - NONCE_LEN,
                                                   (const unsigned char *)owner, strlen(owner), in, s->key) < 0) {
        free(out);
        return err_set(e, ERR_CORRUPT, "a sealed value does not verify: was the file `key` replaced?");
    }
    out[len] = '\0';
    *ret = out;
    *ret_n = (size_t)len;
    return 0;
}
