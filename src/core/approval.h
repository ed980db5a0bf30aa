/* approval - what exactly a person said yes to.
 *
 * Why it exists: an approval is bound to the bytes of what runs. The subject is
 * written as canonical JSON (RFC 8785) and hashed; what runs is hashed again at
 * the moment it runs, and a mismatch voids the approval (contract.md, "Approval").
 * May include: base/.  Pure.  Threads: any.
 *
 *   {"argv":[…] | "changes":hex | "file":{"path","sha256"} | "plan":hex | "text":"…",
 *    "cwd":"…","env_names":[…],"kind":"…","network":"…","pty":true}     pty: only of what has a terminal
 *
 * Strings that are not UTF-8 carry their bytes beside them: "text_b64", "cwd_b64", "argv_b64" (all of argv).
 * env_names are sorted and each stands once, so their order does not matter. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#define APPROVAL_SUBJECT_MAX (1 * MIB)

struct approval_subject {
    const char *kind; /* of the step ("command", "tool" …), or "plan", "changes", "file" */
    /* exactly one of these: */
    const char *const *argv;
    size_t nargv;
    const char *text;           /* shell text, or a tool's input as canonical JSON */
    const char *file;           /* a path, with file_sha256 */
    const char *file_sha256;    /* 64 hex digits */
    const char *plan_sha256;    /* 64 hex digits */
    const char *changes_sha256; /* 64 hex digits */

    const char *cwd; /* NULL: "" */
    const char *const *env_names;
    size_t nenv;
    const char *network; /* "none" when NULL; else the network mode's own text */
    bool pty;            /* it takes input that nobody judges */
};

/* The canonical text. -ERR_INVALID when kind is missing or not exactly one of the alternatives is given. */
CHECKED int approval_canonical(const struct approval_subject *, struct buf *out, struct err *);
/* sha256 of it, in hex. */
CHECKED int approval_subject_digest(const struct approval_subject *, char ret[SHA256_HEX], struct err *);
