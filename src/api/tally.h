/* tally - how many connections of one kind each token has open.
 *
 * Internal to src/api/.   Threads: any. */
#pragma once
#include "api/look.h"

struct tally;
CHECKED int tally_new(unsigned max, const char *what, struct tally **ret, struct err *); /* 0: no limit; "WebSockets" */
void tally_free(struct tally *);

/* The connections of one token, or of one peer of the unix socket. Each that entered leaves once, and does not use it
 * any more. */
struct tally_token;
/* By caller.token_id, of a caller who was identified just now. ERR_CONNECTIONS; *ret is untouched on failure. */
CHECKED int tally_enter(struct tally *, const char *token_id, struct tally_token **ret, struct err *);
void tally_leave(struct tally *, struct tally_token *);
struct look *tally_look(struct tally_token *); /* the token's; there until the caller leaves */
