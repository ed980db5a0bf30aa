/* run_list - rows of runs from any statement that selects RUN_COLS. Internal to src/store/. */
#pragma once
#include "store/db.h"
#include "store/run_rows.h"

CHECKED int run_list_sql(struct db *, enum sql_id, const struct db_val *, size_t n, run_each, void *arg, struct err *);
