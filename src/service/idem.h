/* idem - the stored answer of a request that was made before.
 *
 * The answer is written by the transaction that made the change (caller_commit); only answers that changed something
 * are stored. May include: store base service/svc.h.   Threads: any. */
#pragma once
#include "service/svc.h"

/* Looks the caller's key up: *ret_done and caller's status and reply filled when the same request was answered;
 * ERR_KEY_MISMATCH when the key was used with another one. */
CHECKED int idem_replay(struct svc *, struct caller *, bool *ret_done, struct err *);
