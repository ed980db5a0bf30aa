/* reply - how a command ends: the server's JSON as it came, or shown to a person.
 *
 * Why it exists: --json means the same everywhere.
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "cli/cmd.h"
#include "cli/table.h"

/* With --json the answer is printed, and nothing is left to do: true. */
bool reply_json(struct cli *, const struct api_reply *);
/* One request, and its answer as JSON or by show(). body NULL: none. */
CHECKED int reply_show(struct cli *, const char *method, const struct buf *path, const struct buf *body,
                       void (*show)(struct ui *, const struct json *), struct err *);

struct reply_table {
    const char *const *head;
    size_t cols, flex; /* as table_init() has them */
    int (*row)(void *table, const struct json *item);
    const char *empty; /* said when there are no rows */
};
/* At most `limit` items of a list (0: all), page by page, as JSON or as a table. */
CHECKED int reply_list(struct cli *, const struct buf *path, int64_t limit, const struct reply_table *, struct err *);
