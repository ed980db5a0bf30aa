/* sql - see sql.h.  Pure.  Threads: any. */
#include <assert.h>
#include "store/sql.h"

struct sql_row {
    const char *name;
    const char *text[2];
};

static const struct sql_row rows[SQL_N] = {
#define BOTH(id, text)     {#id, {text, text}},
#define EACH(id, lite, pg) {#id, {lite, pg}},
#include "store/sql.def"
#undef BOTH
#undef EACH
};

const char *sql_text(enum sql_id id, enum sql_dialect dialect)
{
    assert((unsigned)id < SQL_N);
    return rows[id].text[dialect];
}

const char *sql_name(enum sql_id id)
{
    assert((unsigned)id < SQL_N);
    return rows[id].name;
}
