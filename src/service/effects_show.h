/* effects_show - the list of changes and the diff as answers, without reading them into memory.
 *
 * Why it exists: both may be very large; whoever sends them does it piece by piece from the file.
 * May include: store base os service/.   Threads: any. */
#pragma once
#include <sys/types.h>

#include "service/svc.h"

/* head, then the ranges of the file, in order, then tail. */
struct effects_range {
    off_t at;
    size_t n;
};
struct effects_view {
    struct buf head, tail;
    int fd; /* -1: nothing of a file */
    struct effects_range *range;
    size_t nranges;
};
void effects_view_fini(struct effects_view *); /* also of one that was only zeroed with fd -1 */
int64_t effects_view_size(const struct effects_view *);

/* GET /runs/{id}/changes; ERR_STATE before they are computed. */
CHECKED int effects_changes_view(struct svc *, const char *tenant, const struct id *, struct effects_view *ret,
                                 struct err *);
/* GET /runs/{id}/diff: the whole patch, or the parts of these paths (array of n). */
CHECKED int effects_diff_view(struct svc *, const char *tenant, const struct id *, const char *const *paths, size_t n,
                              struct effects_view *ret, struct err *);
/* The whole of an open file; takes the fd. */
CHECKED int effects_file_view(int fd, struct effects_view *ret, struct err *);
