/* str - strings: bounded copies, UTF-8, numbers, time stamps, base64, hex.
 *
 * Why it exists: outside bytes are checked once, in one place.
 * May include: base.  Pure.  Threads: any. */
#pragma once
#include "base/base.h"

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Copies with a NUL; false (and dst = "") when it does not fit. */
CHECKED bool str_copy(char *dst, size_t cap, const char *src);
/* strdup that is NULL for NULL; strndup. Return NULL on out-of-memory. */
char *str_dup(const char *s);
char *str_ndup(const char *s, size_t n);
PRINTF(1, 2) char *str_printf(const char *fmt, ...); /* NULL on out-of-memory; free() it */

/* Strict UTF-8 (RFC 3629: no surrogates, no overlongs, at most U+10FFFF). */
bool utf8_valid(const void *p, size_t n);
/* Next code point at *p (< end); advances *p; -1 on a bad sequence (advances one byte). */
int32_t utf8_next(const char **p, const char *end);
/* True for bidi controls, zero-width and other invisible code points that can
 * make text read differently from what runs (Unicode TR36). */
bool utf8_deceptive(int32_t cp);

/* Whole string, decimal, no sign but an optional '-'; false on anything else or overflow. */
CHECKED bool str_i64(const char *s, int64_t *ret);
CHECKED bool str_u64(const char *s, uint64_t *ret);
/* "512MiB" "2GB" "100k" "1048576" -> bytes. k M G T (kB KB MB GB TB) count by 1000; Ki Mi Gi Ti (KiB ...) by 1024. */
CHECKED bool str_bytes(const char *s, uint64_t *ret);
/* "250ms" "30s" "5m" "2h" "7d" -> milliseconds. */
CHECKED bool str_duration_ms(const char *s, int64_t *ret);

/* RFC 3339 UTC with microseconds: "2026-11-20T23:44:01.000001Z". Parsing takes 0 to 6 digits of fraction and only "Z";
 * formatting clamps to the years 0000 to 9999. */
#define TIME_LEN 28
void time_format(int64_t us, char ret[TIME_LEN]);
CHECKED bool time_parse(const char *s, int64_t *ret_us);

int hex_digit(char c);                                       /* 0 to 15; -1: it is none */
void hex_encode(const void *p, size_t n, char *ret);         /* 2n + 1 bytes */
CHECKED bool hex_decode(const char *s, void *ret, size_t n); /* s has exactly 2n digits */
size_t b64_len(size_t n);                                    /* without NUL */
void b64_encode(const void *p, size_t n, char *ret);         /* b64_len + 1 bytes, padded */
/* Returns the byte count or -1; ret has room for strlen(s)/4*3. Strict (RFC 4648). */
CHECKED long b64_decode(const char *s, void *ret);
/* URL-safe, no padding (tokens, cursors). */
size_t b64url_len(size_t n);
void b64url_encode(const void *p, size_t n, char *ret);
CHECKED long b64url_decode(const char *s, size_t n, void *ret);

/* Shell glob over a whole string: * ? [a-z] and \; '*' crosses '/'. Linear-ish, no recursion bombs. */
bool glob_match(const char *pat, const char *s);
/* One of the globs between blanks (each shorter than 64 bytes: a longer one matches nothing) matches. */
bool glob_listed(const char *globs, const char *s);
/* Path glob: '*' and '?' stop at '/', '**' crosses it. */
bool glob_path(const char *pat, const char *path);

/* Overwrites memory in a way the compiler keeps. */
void secure_wipe(void *p, size_t n);
