/* sql - the names of all statements; their text is in sql.def, both dialects side by side.
 *
 * May include: base.  Only db.h and the backends include this: services never see SQL. */
#pragma once

enum sql_id {
#define BOTH(id, text)     SQL_##id,
#define EACH(id, lite, pg) SQL_##id,
#include "store/sql.def"
#undef BOTH
#undef EACH
    SQL_N
};

enum sql_dialect { SQL_SQLITE, SQL_POSTGRES };

const char *sql_text(enum sql_id, enum sql_dialect);
const char *sql_name(enum sql_id);
