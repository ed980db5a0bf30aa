/* queue_int - what the queue's two files share. Included by nobody else. */
#pragma once
#include "store/queue_rows.h"

struct query;
/* QUEUE_COLS of sql.def. */
CHECKED int queue_read_row(struct query *, struct queue_row *ret, struct err *);
