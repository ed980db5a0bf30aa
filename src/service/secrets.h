/* secrets - values at rest are encrypted under a key file that only the server reads.
 *
 * XChaCha20-Poly1305 (libsodium), a random nonce per value, the owner's id as associated data, so a sealed
 * value cannot be moved to another row.
 * May include: base os.   Threads: any after secrets_open. */
#pragma once
#include "base/err.h"

struct secrets;
/* Reads DATA/key, or makes it (32 random bytes, 0600). A key others can read is refused. */
CHECKED int secrets_open(int data_fd, struct secrets **ret, struct err *);
void secrets_close(struct secrets *); /* wipes the key */
/* Another key for one purpose (BLAKE2b keyed with this one): what it seals cannot be taken for anything else. */
CHECKED int secrets_derive(const struct secrets *, const char *purpose, struct secrets **ret, struct err *);
/* A keyed hash (BLAKE2b, 256 bits) of p. */
#define SECRETS_MAC 32
void secrets_mac(const struct secrets *, const void *p, size_t n, unsigned char ret[SECRETS_MAC]);
/* *ret is heap, free it. */
CHECKED int secrets_seal(const struct secrets *, const char *owner, const void *p, size_t n, void **ret, size_t *ret_n,
                         struct err *);
/* *ret is NUL-terminated heap: secure_wipe it before free. ERR_CORRUPT when it does not verify. */
CHECKED int secrets_unseal(const struct secrets *, const char *owner, const void *p, size_t n, char **ret,
                           size_t *ret_n, struct err *);
