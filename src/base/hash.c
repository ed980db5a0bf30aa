/* hash - SHA-256 by libcrypto's EVP interface.
 *
 * A digest that could not be computed must never look like one that could: the
 * calls that have no way to report stop the program (libcrypto fails here only
 * when memory is gone or its provider is broken).
 * May include: base.  Threads: any; a context has one owner. */
#define ERR_STATE openssl_ERR_STATE /* OpenSSL has a type of that name, we a code */
#include <openssl/evp.h>
#undef ERR_STATE
#include "base/hash.h"
#include "base/fault.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = FAULT(alloc) ? NULL : calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        sha256_free(h);
        return NULL;
    }
    return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (EVP_DigestUpdate(h->ctx, p, n) != 1)
        abort();
}

void sha256_final(struct sha256 *h, uint8_t ret[SHA256_LEN])
{
    if (EVP_DigestFinal_ex(h->ctx, ret, NULL) != 1)
        abort();
}

void sha256_free(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sha256_of(const void *p, size_t n, uint8_t ret[SHA256_LEN])
{
    if (EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

void sha256_hex_of(const void *p, size_t n, char ret[SHA256_HEX])
{
    uint8_t d[SHA256_LEN];
    sha256_of(p, n, d);
    hex_encode(d, sizeof d, ret);
}

int sha256_fd(int fd, uint8_t ret[SHA256_LEN], struct err *e)
{
    AUTO_PTR(sha256_free) struct sha256 *h = sha256_new();
    char chunk[64 * 1024];
    if (!h)
        return err_oom(e);
    for (;;) {
        ssize_t n = FAULT(read) ? (errno = EIO, -1) : read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, ERR_IO, "read");
        if (n == 0)
            break;
        sha256_add(h, chunk, (size_t)n);
    }
    sha256_final(h, ret);
    return 0;
}

bool sha1_of(const void *p, size_t n, uint8_t ret[SHA1_LEN])
{
    return EVP_Digest(p, n, ret, NULL, EVP_sha1(), NULL) == 1;
}
