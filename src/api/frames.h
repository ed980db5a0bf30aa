/* frames - each event and WebSocket message that is sent, for the test that holds them against /schema.
 *
 * Why it exists: a schema that is checked against examples lags behind the server; one that every frame of the whole
 * test suite is checked against cannot. Builds with -Dframes=true (or -Dfaults=true) append what they send to the file
 * that SALLYPORT_FRAMES names, a line each: `sse {…}`, `ws {…}`; tools/frames reads it. Other builds have none of this:
 * what a run prints is nobody's but its readers'.
 * May include: base.   Threads: any; one write(2) per frame. */
#pragma once
#include "base/buf.h"

#if defined(SALLYPORT_FAULTS) || defined(SALLYPORT_FRAMES)
/* head, tail: what goes around the n bytes; "" for nothing. */
void frame_sent(const char *via, const char *head, const void *json, size_t n, const char *tail);
#define FRAME_SENT(via, head, json, n, tail) frame_sent(via, head, json, n, tail)
#else
#define FRAME_SENT(via, head, json, n, tail) ((void)0)
#endif
