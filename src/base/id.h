/* id - "<prefix>_<26-character ULID>", sortable by creation time.
 *
 * Why it exists: one form for every id on every surface. Time and randomness
 * are arguments, so core/ stays pure.
 * May include: base.  Threads: any.  ULID: github.com/ulid/spec. */
#pragma once
#include "base/base.h"

#define ID_LEN 30 /* "run_" + 26 */
struct id {
    char s[ID_LEN + 2]; /* NUL-terminated; "" = none */
};

/* prefix: three letters, of ID_PREFIXES. rnd: 10 random bytes. now_ms: Unix time. */
void id_make(const char *prefix, int64_t now_ms, const uint8_t rnd[10], struct id *ret);
/* Strict: right prefix, upper-case Crockford base32, no overflow. */
CHECKED bool id_parse(const char *prefix, const char *s, struct id *ret);
bool id_eq(const struct id *a, const struct id *b);
bool id_none(const struct id *a);

#define ID_PROJECT  "prj"
#define ID_SESSION  "ses"
#define ID_RUN      "run"
#define ID_STEP     "stp"
#define ID_APPROVAL "apr"
#define ID_ARTIFACT "art"
#define ID_CASE     "cas"
#define ID_USER     "usr"
#define ID_TOKEN    "tok"
#define ID_LOGIN    "lgn"
#define ID_POLICY   "pol"
