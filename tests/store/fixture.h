/* fixture - a store in a directory of its own, and rows to fill it with. For tests of src/store. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "store/base_rows.h"
#include "store/db.h"
#include "store/run_rows.h"
#include "store/store.h"

#define T1    "acme"
#define T2    "other"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
    char dir[64], path[96];
    struct store *store;
    struct id project, project2; /* of T1 and of T2 */
};
int fixture_up(void **state); /* *state is a struct fixture * with tenants and projects */
int fixture_down(void **state);
void fixture_dir(struct fixture *); /* only the directory and the path */
void fixture_remove(struct fixture *);
void fixture_fill(struct fixture *);
void fixture_open(struct fixture *, const struct store_config *more); /* more: NULL or limits */

/* The nth id of a prefix: ascending. */
struct id nth(const char *prefix, int n);
/* Shallow rows: point at constants, not to be finished. */
struct run_row a_run(const struct fixture *, int n);
struct step_row a_step(int run, int n);

void must(int r, const struct err *e); /* 0, else fails with the message */
void refuse(int r, int code);          /* -code, else fails */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct err e = ERR_INIT;                                                                                       \
        must((call), &e);                                                                                              \
    } while (0)
#define NO(want, call)                                                                                                 \
    do {                                                                                                               \
        struct err e = ERR_INIT;                                                                                       \
        refuse((call), want);                                                                                          \
        assert_int_equal(e.code, want);                                                                                \
        assert_true(e.msg[0]);                                                                                         \
    } while (0)

/* WRITE(f, { statements with db and e; return … });  inside a nested function would be GNU C: tests use named ones. */
void write_ok(struct fixture *, store_fn, void *arg);
void read_ok(struct fixture *, store_fn, void *arg);
char *query_plan(struct fixture *, const char *sql);   /* EXPLAIN QUERY PLAN, a line each; to be freed */
int64_t count_of(struct fixture *, const char *table); /* through a connection of its own */
