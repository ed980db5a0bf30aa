/* args - command-line options from tables.
 *
 * Why it exists: every command declares its options as rows; parsing, help,
 * completion and the man-page check read the same rows.
 * May include: base/.   Pure.   Threads: any.
 *
 * --name VALUE, --name=VALUE, -n VALUE, -nVALUE, joined flags -yd; "--" ends
 * the options; a lone "-" is an argument. A name may be cut short while it stays
 * unique. The last one wins, unless the row says `many`. */
#pragma once
#include "base/err.h"

struct opt {
    const char *name; /* "project"; NULL ends a table */
    char c;           /* 'p' or 0 */
    const char *arg;  /* "P": takes a value; NULL: a flag */
    const char *help;
    bool many; /* may be given more than once */
};

#define ARGS_SET_MAX 256
#define ARGS_POS_MAX 1024
struct args {
    struct {
        const struct opt *opt;
        const char *val; /* "" for flags */
    } set[ARGS_SET_MAX];
    size_t nset;
    const char *pos[ARGS_POS_MAX];
    size_t npos;
};

/* Parses argv[0..argc) with up to two tables (either may be NULL); adds to `a`. With stop_at_pos, ends before the
 * first argument that is no option. *ret_used: how many of argv were taken. ERR_USAGE. */
CHECKED int args_parse(struct args *a, int argc, char *const *argv, const struct opt *own, const struct opt *global,
                       bool stop_at_pos, int *ret_used, struct err *);

bool args_has(const struct args *, const char *name);
const char *args_get(const struct args *, const char *name); /* last value; NULL when not given */
/* The values of a `many` option in order: i = 0, 1, ...; NULL past the end. */
const char *args_nth(const struct args *, const char *name, size_t i);
