/* keys - what of the typed keys is meant for us, and not for the step: the same three as ssh(1) has.
 *
 *   at the beginning of a line:  ~.  leave    ~~  one ~    ~?  say so
 *
 * May include: base/.   Pure.   Threads: any. */
#pragma once
#include "base/buf.h"

struct keys {
    bool inside; /* of a line; false: at the beginning of one */
    bool tilde;  /* held back: the next key tells */
};
enum keys_say { KEYS_GO, KEYS_LEAVE, KEYS_HELP };
/* Adds what is for the step to out, up to the first key that is for us. *ret_used: how many of p were taken. */
enum keys_say keys_scan(struct keys *, const char *p, size_t n, struct buf *out, size_t *ret_used);
/* Does this output make a terminal answer (what it is, where its cursor stands, its colours …), as if typed? */
bool keys_asked(const char *p, size_t n);
