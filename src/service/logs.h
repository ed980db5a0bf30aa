/* logs - one step's output, read in pages.
 *
 * May include: store core base os service/svc.h.   Threads: any. */
#pragma once
#include "base/buf.h"
#include "service/svc.h"

struct log_query {
    const char *tenant;
    struct id step;
    uint64_t offset; /* of the first frame wanted; 0 = from the beginning */
    size_t limit;    /* payload bytes, about; at least one frame is given */
    int stream;      /* enum log_stream, 0 = stdout and stderr (and system in JSON) */
    bool json;       /* frames as JSON; else the raw bytes */
    uint64_t next;   /* out: offset to go on from */
    bool complete;   /* out: the step has ended and all of its log was given */
};
CHECKED int logs_read(struct svc *, struct log_query *, struct buf *out, struct err *);
