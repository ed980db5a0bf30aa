/* http_parse - bytes of a connection become one request, or a refusal. Inner header of src/net.
 *
 * Why it exists: the strictness the HTTP library lacks, in one place that needs
 * no socket, so it can be tested at every split and fuzzed.
 * May include: base/.   Pure (memory only).   Threads: one owner. */
#pragma once
#include "net/http_msg.h"

struct http_parse_limits {
    size_t max_line, max_header_bytes;
    unsigned max_headers;
    size_t max_body;
    http_limit_fn limit; /* may be NULL */
    void *arg;
};

/*  HEAD --empty line--> BODY --last byte--> DONE      the head alone may be the whole request: HEAD -> DONE
 *    '------------------'--- anything wrong --> BAD   (http_parse_error says what; the connection must end) */
enum http_parse_state { HTTP_PARSE_HEAD, HTTP_PARSE_BODY, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

struct http_parse;
/* limits must outlive the parser. NULL on out-of-memory. */
struct http_parse *http_parse_new(const struct http_parse_limits *);
void http_parse_free(struct http_parse *);
DEFINE_AUTO_PTR(struct http_parse, http_parse_free);
/* Takes bytes up to the next change of state (so the caller can look at it) or all; returns how many. In DONE and
 * BAD it takes none. */
size_t http_parse_feed(struct http_parse *, const char *p, size_t n);
enum http_parse_state http_parse_state(const struct http_parse *);
const struct err *http_parse_error(const struct http_parse *);
/* From BODY on; borrowed. */
const struct http_msg *http_parse_msg(const struct http_parse *);
/* In DONE: the request is the caller's (http_msg_free). */
struct http_msg *http_parse_take(struct http_parse *);
