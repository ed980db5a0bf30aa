/* hash - SHA-256 and SHA-1 (OpenSSL libcrypto), CRC32C, and hex forms.
 *
 * Threads: any; a context has one owner. */
#pragma once
#include "base/err.h"

#define SHA256_LEN 32
#define SHA256_HEX (64 + 1)

struct sha256;                           /* opaque, heap */
CHECKED struct sha256 *sha256_new(void); /* NULL on out-of-memory */
void sha256_add(struct sha256 *, const void *p, size_t n);
void sha256_final(struct sha256 *, uint8_t ret[SHA256_LEN]);
void sha256_free(struct sha256 *);
DEFINE_AUTO_PTR(struct sha256, sha256_free);

void sha256_of(const void *p, size_t n, uint8_t ret[SHA256_LEN]);
void sha256_hex_of(const void *p, size_t n, char ret[SHA256_HEX]);
/* Reads from fd until end of file. */
CHECKED int sha256_fd(int fd, uint8_t ret[SHA256_LEN], struct err *);

/* For protocols that prescribe it (WebSocket's handshake), never for security. False: libcrypto refuses it here. */
#define SHA1_LEN 20
CHECKED bool sha1_of(const void *p, size_t n, uint8_t ret[SHA1_LEN]);

/* CRC-32C (Castagnoli, RFC 3720 B.4), continued from `crc` (0 to begin). Hardware where there is. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
