/* openapi_int - the parts the API's description is made of: shared by openapi.c (for programs) and docs.c (for people).
 *
 * Why it exists: both pages come from the same two sources, so they cannot say different things: the route table
 * (routes.c) and the shapes (openapi_schemas.json, openapi_parts.json: the file's text is in the program).
 * May include: api/call.h and below.   Private to src/api/.   Threads: any; a struct openapi has one owner. */
#pragma once
#include "api/call.h"

struct openapi {
    struct json *schemas; /* name -> JSON Schema */
    struct buf shapes;    /* the schemas' text */
    struct json *parts;   /* securitySchemes, parameters, headers, responses */
};
CHECKED int openapi_load(struct openapi *ret, struct err *);
void openapi_fini(struct openapi *);
/* All schemas as one JSON object: those of the file, then those made from the program's own tables (schema.c). */
void openapi_shapes(struct buf *out);
/* The document of /schema. */
CHECKED int schema_write(struct buf *out, struct err *);

/* What an answer or request holds: a schema's name, or a media type. */
bool openapi_is_media_type(const char *name);

/* Routes are shown in groups. */
struct openapi_tag {
    const char *name, *what;
};
extern const struct openapi_tag openapi_tags[];
extern const size_t openapi_ntags;
const struct openapi_tag *openapi_tag_of(const struct route *);

/* Answers beside the one in the route table. */
struct openapi_extra {
    enum http_method method;
    const char *path;
    int status;
    const char *type;    /* media type; NULL: no body */
    const char *schema;  /* of it, or of each event of a stream */
    const char *headers; /* names in parts.headers, space-separated; NULL = none */
    const char *what;
};
extern const struct openapi_extra openapi_extras[];
extern const size_t openapi_nextras;

/* The route's parameters one by one, path first, then query, then headers: *it starts as {0}. False at the end.
 * Their names in parts.parameters: "run", "runs.state" or, for those that mean the same everywhere, "query.limit". */
struct openapi_param {
    size_t i;               /* walked so far */
    char key[64];           /* in parts.parameters */
    const struct json *def; /* its object */
};
bool openapi_param_next(const struct openapi *, const struct route *, struct openapi_param *it);

/* "post_run_cancel" */
#define OPENAPI_ID_MAX 96
void openapi_operation_id(const struct route *, char ret[OPENAPI_ID_MAX]);

/* The page of /docs. */
CHECKED int openapi_docs(struct buf *out, struct err *e);
