/* terminals - from a request that types into a running step to the worker that holds the step's sandbox, and back.
 *
 * Why it exists: one thread speaks to a shim, the worker that holds the run's lease; input comes on the threads of
 * handlers. Here they meet: a handler leaves its question and waits, the worker is woken, asks the shim, answers.
 * Nothing of a terminal is kept here but who typed how much: the input and its count live in the shim, so a server that
 * is killed loses none, and the next one goes on.
 *
 *   handler: terminals_ask ── question ──► worker: terminal_serve ── sandbox_tty ──► shim
 *                          ◄── answer ───
 *
 * Audit: terminal.attached when somebody types or resizes for the first time, before the first byte goes in;
 * terminal.input {bytes, total} at the end of the step, at an orderly stop, and every minute in which somebody typed.
 * Never what was typed. May include: store sandbox core base os service/.
 * Threads: a struct terminal belongs to its worker; all else from any thread. */
#pragma once
#include "service/svc.h"

struct terminals;
struct terminal;
CHECKED int terminals_new(struct terminals **ret, struct err *);
void terminals_free(struct terminals *); /* no terminal may be open */

/* ---- for workers: while the step runs */

/* wake(arg): there is something to serve; from any thread, short, must not call back. */
CHECKED int terminal_open(struct terminals *, const char *tenant, const struct id *run, const struct id *step,
                          void (*wake)(void *), void *arg, struct terminal **ret, struct err *);
void terminal_serve(struct svc *, struct terminal *, struct sandbox *);
/* Who waits is told to try again. NULL is fine. */
void terminal_close(struct svc *, struct terminal *);

/* ---- for handlers */

/* ERR_NOT_FOUND; ERR_STATE: the step has no terminal, has not begun or has ended; ERR_UNAVAILABLE: nobody holds it just
 * now, for instance right after a start: try again. 0: what the shim said, see ret->status. */
CHECKED int terminals_ask(struct svc *, struct caller *, const struct id *step, const struct sandbox_tty_ask *,
                          struct sandbox_tty *ret, struct err *);
/* For showing: false when it cannot be told at once. */
bool terminals_look(struct svc *, const struct id *step, struct sandbox_tty *ret);
/* {"step_id","accepted","cols","rows","eof"} */
void terminals_json(struct jw *, const struct id *step, const struct sandbox_tty *);
