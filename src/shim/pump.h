/* pump - carries a step's output from its pipes into its log: masked, bounded, framed.
 *
 * Why it exists: output is untrusted, endless, and may hold secrets; the log
 * must hold none, end somewhere, and never stop the step from writing.
 * May include: base os sandbox/spec.h.   Threads: one owner.
 *
 *   pipe ─► mask (holds back what could become a secret) ─► limit ─► frame in the log
 *
 * What is over the limit is read and dropped: a full pipe would block the step. A log that cannot be written (disk
 * full) drops too; when it can be written again it says how much is missing there, and goes on. The exit record is
 * tried until it is written. */
#pragma once
#include "base/err.h"
#include "sandbox/spec.h"

struct pump;
/* Creates and locks logs/<index>.<attempt>.log. max_bytes 0 = no limit. */
CHECKED int pump_open(int logs_dirfd, const struct spw_step *, int64_t max_bytes, struct pump **ret, struct err *);
void pump_free(struct pump *);
/* Takes over the read ends of stdout and stderr; they become non-blocking. */
void pump_pipes(struct pump *, int out_fd, int err_fd);
int pump_fd(const struct pump *, int i); /* i: 0 stdout, 1 stderr; -1 after its end */
void pump_read(struct pump *, int i);
bool pump_drained(const struct pump *);
void pump_note(struct pump *, const char *text); /* a system frame */
/* Flushes the masks, writes the exit record; fills the counts and the truncated flag of x.
 * Negative: not written; may be tried again. */
CHECKED int pump_finish(struct pump *, struct spw_exit *x, struct err *);
uint64_t pump_size(const struct pump *);
