/* stream_read - reads a run's items one after the other: stored events from the store, frames from the log files.
 *
 * Why it exists: this is the one place that knows the order of a run's stream. Everybody's items come from here: each
 * subscriber who reads on its own has one, and those who follow a run live share one (stream_tail).
 *
 *   stored events   by seq
 *   frames          of one step: by offset. They stand between the step's step.started and step.finished; the log is
 *                   read to its very end before step.finished is given
 *   between them    by time: a frame that is older than the next stored event comes first, and of the frames of
 *                   parallel steps the oldest. So a run whose steps come one after the other has one order, live or not
 *
 * A reader is large while it reads (a window on each log, a batch of events): keep it only while there is something to
 * read, and a cursor otherwise.
 * May include: store core base os service/svc.h.   Threads: one owner. Blocks on the store and on files. */
#pragma once
#include "service/stream.h"

struct stream_reader;
/* cursor NULL or "": from the beginning; a cursor was checked by stream_open or written by a reader. */
CHECKED int stream_reader_new(struct svc *, const struct id *run, const char *cursor, struct stream_reader **ret,
                              struct err *);
void stream_reader_free(struct stream_reader *);
DEFINE_AUTO_PTR(struct stream_reader, stream_reader_free);
/* As stream_next. */
CHECKED int stream_reader_next(struct stream_reader *, struct stream_item *ret, struct err *);
const char *stream_reader_cursor(struct stream_reader *); /* borrowed until the next call */
/* Nothing is asked for in a while: ends the loan of the last item, and frees what it was rendered into. */
void stream_reader_rest(struct stream_reader *);
/* How far it is, for comparing two cursors of one run: no item leads from a higher one to a lower one. */
struct stream_place {
    int64_t seq;
    uint64_t bytes; /* offsets of the open steps together */
};
struct stream_place stream_reader_place(const struct stream_reader *);
