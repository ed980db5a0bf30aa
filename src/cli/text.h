/* text - makes text from outside safe and tidy on a terminal.
 *
 * Why it exists: titles, paths, commands and logs come from projects and
 * agents. Printed as they are, they could move the cursor, hide a part of
 * themselves or pose as our own prompt (CWE-150; Unicode TR36).
 * May include: base/.   Pure, but text_width needs text_init once.   Threads: any. */
#pragma once
#include "base/buf.h"

/* Chooses a UTF-8 LC_CTYPE, so wcwidth(3) knows wide characters whatever $LANG says. */
void text_init(void);

enum {
    TEXT_ONE_LINE = 1, /* line feed and tab are shown as well (^J ^I) */
    TEXT_LOG = 2,      /* log output: invisible characters may pass (emoji need them), bidi controls may not */
    TEXT_SGR = 4,      /* colours (ESC [ ... m) may pass; "erase to end of line" is dropped */
    TEXT_PLAIN = 8     /* with TEXT_SGR: colours are dropped as well */
};
/* Appends the safe form: control characters as ^X, bytes that are not UTF-8 as \xNN, characters that are
 * invisible or turn the reading order as <U+202E>. */
void text_clean(struct buf *out, const char *p, size_t n, unsigned how);

/* Bytes at the end of p that only the next piece of a stream can complete: part of a UTF-8 sequence, of an
 * escape sequence (at most TEXT_TAIL_MAX), or a carriage return whose line feed may follow. */
#define TEXT_TAIL_MAX 40
size_t text_tail(const char *p, size_t n);

/* Length of the colour sequence at p (ESC [ ... m with colours and weights only), 0 when there is none. */
size_t text_sgr(const char *p, size_t n);

/* Columns that clean text takes: 2 for wide characters, 0 for combining ones. */
int text_width(const char *s);
/* Appends s padded with spaces to `width` columns, or cut to it with an ellipsis. */
void text_cell(struct buf *out, const char *s, int width);

/* "850 ms" "3.1 s" "2 min 5 s" "1 h 2 min" "14 d 3 h" */
void text_duration(struct buf *out, int64_t ms);
/* "512 B" "1.5 KiB" */
void text_bytes(struct buf *out, int64_t n);
/* "2 files" "1 file" */
void text_count(struct buf *out, int64_t n, const char *one, const char *many);
/* `part` is all of `whole`, or its beginning and an ellipsis: it says nothing new. */
bool text_is_cut(const char *part, const char *whole);
/* The name of a file, n bytes and a NUL, as bash would take it back, nothing hidden and nothing posing as what stands
 * beside it: a.c  'with blank'  $'new\nline'  $'b\377d'  $'\342\200\256c.exe' */
void text_name(struct buf *out, const char *s, size_t n);

/* JSON text with the characters a reader would not see (C1 controls, invisible, bidi) as \uXXXX: still the
 * same JSON, for they may only stand inside strings. */
void text_json(struct buf *out, const char *p, size_t n);
