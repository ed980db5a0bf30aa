/* http_chunk - follows the chunked coding byte by byte, strictly (RFC 9112, 7.1).
 *
 * Why it exists: the HTTP library is lenient about line ends, extensions and
 * trailers. This walks beside it and says first where a body ends; when the
 * two disagree the request is refused, since disagreement is what request
 * smuggling is made of.
 * May include: base/.   Pure.   Threads: one owner.
 *
 *   SIZE --hex--> SIZE --';'--> EXT --CR--> SIZE_LF --LF--> DATA n --> DATA_CR --> DATA_LF --> SIZE
 *                                              '--- n = 0 --> LAST_CR --> LAST_LF --> DONE
 *   anything else: BAD. Trailers are refused. */
#pragma once
#include "base/base.h"

enum http_chunk_state {
    HTTP_CHUNK_SIZE = 0,
    HTTP_CHUNK_EXT,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_LAST_CR,
    HTTP_CHUNK_LAST_LF,
    HTTP_CHUNK_DONE,
    HTTP_CHUNK_LARGE, /* the body passes max */
    HTTP_CHUNK_BAD
};

enum { HTTP_CHUNK_EXT_MAX = 128 }; /* bytes of extensions in one body */

struct http_chunk {
    enum http_chunk_state state;
    unsigned digits; /* of the size being read */
    unsigned ext;    /* bytes of extensions so far */
    uint64_t left;   /* of this chunk */
    uint64_t total;  /* bytes announced so far */
    uint64_t max;
};

/* Bytes of p that belong to the body's framing or data; stops at the end state. */
size_t http_chunk_feed(struct http_chunk *, const char *p, size_t n);
