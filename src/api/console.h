/* console - the web console: the files that tools/console put into this program, and how they are served.
 *
 * Why it exists: the console needs nothing installed beside the program, and no path a client sends ever reaches a
 * file system: a URL is looked up, exactly, in a table made at build time, or it is not there.
 * May include: net base.   Threads: handlers; all of it is read-only.
 *
 *   /assets/NAME-HASH.EXT              immutable: browsers keep it for a year
 *   /  /inbox  /runs/{id} …            the pages: all of them are index.html
 *   /sw.js, /manifest.webmanifest …    checked each time by ETag
 *   any other, asked for as a page     index.html with 404: the console says that there is no such page
 *
 * Files are stored compressed and sent so; for a client that does not take gzip they are inflated on the way. */
#pragma once
#include "net/http.h"

/* Made by tools/console. */
struct console_file {
    const char *path, *type;
    const char *tag; /* of the plain bytes: 32 hex digits of their sha256 */
    size_t at, stored, plain;
    bool immutable, packed; /* packed: stored as gzip (RFC 1952) */
};
extern const struct console_file console_files[];
extern const size_t console_nfiles;
extern const char console_missing[]; /* why there is no console in this program; "" when there is one */
extern const unsigned char console_bytes[] __attribute__((visibility("hidden")));

/* The file of a URL's path, or NULL; a page's is index.html. */
const struct console_file *console_find(const char *path);
/* Is that the URL of a page? Also where the program has no console. */
bool console_is_page(const char *path);
/* RFC 9110, 12.5.3: does a client that sent this Accept-Encoding (NULL: none) take gzip? */
bool console_takes_gzip(const char *accept_encoding);
/* RFC 9110, 13.1.2: does this If-None-Match (NULL: none) name the tag, quotes included? */
bool console_has_tag(const char *if_none_match, const char *tag);
/* RFC 9110, 12.5.1: does this Accept (NULL: none) name text/html, as that of a browser that opens a page does? A mere
 * "*" is that of programs: they get their errors as JSON. */
bool console_wants_page(const char *accept);
/* Answers rq when its path is the console's; *ret_taken says whether it was. */
CHECKED int console_serve(struct http_req *rq, bool *ret_taken, struct err *);
/* For a path that is nobody's: a person who mistyped it gets the console with 404. Not below /api, and not where the
 * program has no console. */
CHECKED int console_serve_lost(struct http_req *rq, bool *ret_taken, struct err *);
