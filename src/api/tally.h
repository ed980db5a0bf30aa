/* tally - the connections of one kind that each token has open: how many there are, and whether the token still counts.
 *
 * Who only listens does not show its token again, so it is looked at now and then, and a revoked one hears nothing
 * more. One look is for all connections of the token: a line of output for a thousand of them waits for one query at
 * most.
 *
 * Internal to src/api/.   Threads: any; nothing here blocks for long. */
#pragma once
#include "base/base.h"
#include "base/err.h"

#define TALLY_LOOK_US (15 * SEC_US)

struct tally;
CHECKED int tally_new(unsigned max, const char *what, struct tally **ret, struct err *); /* 0: no limit; "WebSockets" */
void tally_free(struct tally *);

/* A caller's connections; there as long as one of them is. */
struct tally_token;
/* Of a token that was found good just now, or of a peer of the unix socket, who stays who it is. ERR_CONNECTIONS. */
CHECKED int tally_enter(struct tally *, const char *token_id, struct tally_token **ret, struct err *);
void tally_leave(struct tally *, struct tally_token *);

enum tally_answer {
    TALLY_GOOD,
    TALLY_LOOK, /* the asker's turn to look, and to call tally_saw or tally_pass; nobody else's for TALLY_LOOK_US */
    TALLY_OVER, /* somebody saw that it was revoked, or has expired */
};
enum tally_answer tally_ask(struct tally_token *);
void tally_saw(struct tally_token *, bool good);
void tally_pass(struct tally_token *); /* did not look: whoever asks next does */
