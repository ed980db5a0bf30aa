/* spec - what server and shim say to each other: fixed binary messages, checked field by field.
 *
 * Why it exists: the shim must not parse JSON, and must not trust lengths. One
 * finished description of a sandbox goes in once; then small fixed messages.
 * May include: base.   Must not know: anything else (the shim links it).
 * Threads: any; a view has one owner.
 *
 *   server ── SPEC (bootstrap fd) ─────────────► shim
 *          ◄── READY | FAIL ──────────────────
 *          ── HELLO ──►
 *          ── EXEC ──► TAKEN | FAIL,  then GREW* and one EXIT
 *          ── INPUT | RESIZE ──► TERMINAL (one each; of a step with a terminal)
 *          ── SIGNAL | KILL | DESTROY ──►
 *          ◄── READY (again, at every new connection: is a step running?)
 *
 * SPEC and EXEC have a body. It travels in a memfd beside the message, because
 * a packet is bounded by the socket's buffer, and a command with its
 * environment is not. The shim copies the body once and reads only its copy.
 *
 *   body:  head | fixed part with {offset, length} references | reference lists | strings, each followed by a NUL
 *
 * Both ends are on one host: native byte order. They need not be of one version: a shim lives on while its server is
 * upgraded, and a package is unpacked file by file under a living server.
 *
 *   READY        has the shape of version 1 for ever, and says which versions the shim can be spoken to in. So has
 *                what comes before it: BEAR, BORN, FAIL.
 *   from then on both write in the lower of the two versions. The server says its own by a HELLO; to a shim of version
 *                1, which knows none, by nothing.
 *   no common version: the server lets go, and waits for the step's exit record (sandbox.h).
 *   a body       is written in the oldest layout that can say it, whoever writes it: a shim that is older than the
 *                server takes every step but those that ask for what it does not know.
 *   the exit record in a log has a version of its own, and only grows.
 *
 * To add a message: a name below, before the end of its half of the numbers; its row in spec.c's table, with the
 * version that brings it (of one that was released: raise SPW_VERSION); who sends it looks at spw_msg_for. Numbers
 * travel in `arg` and `big`, up to SPW_DATA_MAX bytes in `data`: so no message needs another shape. To add to a body:
 * append to its wire_ struct, raise its layout in spec.c, and give fields of an older layout the meaning they had. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define SPW_MAGIC 0x57505353u /* "SSPW" */
/* Tests build peers of other versions (tests/sandbox/meson.build). */
#ifndef SPW_VERSION
#define SPW_VERSION 2
#endif
#ifndef SPW_OLDEST
#define SPW_OLDEST 1 /* the oldest that is still spoken */
#endif
#define SPW_BODY_MAX (4 * 1024 * 1024)
#define SPW_LIST_MAX 4096 /* strings in one list */
#define SPW_TEXT     600
#define SPW_DATA_MAX 4096

enum spw_type {
    SPW_SPEC = 1, /* with a body */
    SPW_EXEC,     /* with a body */
    SPW_SIGNAL,   /* arg[0]: signal to the step's process group */
    SPW_KILL,     /* the running step and all it left */
    SPW_DESTROY,  /* everything, and the shim */
    SPW_BEAR,     /* to a nursery, with the fds of a new shim; text: the run's id */
    SPW_HELLO,    /* since 2: nothing but the server's version */
    SPW_INPUT,    /* since 2: data: what is typed; big: how many bytes came before; arg: SPW_IN_*, -, -, tag */
    SPW_RESIZE,   /* since 2: arg: columns, rows (0 and 0: asks only), -, tag */

    SPW_READY = 64, /* arg: running, index, attempt, the shim's version (0: 1); big: the oldest it speaks;
                       text: the barriers that are missing by the operator's word */
    SPW_FAIL,       /* arg[0]: enum err_code, arg[1]: errno; text */
    SPW_TAKEN,      /* the step's log exists and is locked; the step starts */
    SPW_GREW,       /* big: size of the log */
    SPW_EXIT,       /* arg: -, index, attempt; exit */
    SPW_BORN,       /* from a nursery, with the new shim's pidfd */
    SPW_TERMINAL,   /* since 2: to INPUT and RESIZE: arg: enum spw_tty, size (columns + rows << 16), SPW_IN_*, their
                       tag; big: bytes of input taken so far, by whomever; data: one uint32_t, those of this INPUT */
    SPW_NTYPES
};

#define SPW_IN_EOF  1    /* nothing will follow */
#define SPW_TTY_MAX 4096 /* columns, rows */
enum spw_tty {
    SPW_TTY_OK = 0, /* taken, perhaps in part, perhaps before */
    SPW_TTY_NONE,   /* no step with a terminal is running */
    SPW_TTY_GAP,    /* input that was not seen lies before it: nothing taken */
    SPW_TTY_OTHER,  /* other input was taken in its place: nothing taken */
    SPW_TTY_ENDED,  /* the input has ended before: nothing taken */
    SPW_TTY_N
};

struct spw_head {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint32_t size; /* of the whole message, or of the body in the memfd */
    uint32_t zero;
};

/* The exit record: payload of the LOG_EXIT frame, and part of SPW_EXIT. A later version may be longer; what is here
 * stays. */
struct spw_exit {
    uint32_t magic;
    uint16_t version;
    uint16_t size;
    int32_t exit_code, signal;
    uint32_t flags; /* SPW_X_* */
    uint32_t zero;
    int64_t started_us, finished_us, cpu_us, max_rss_bytes, stdout_bytes, stderr_bytes;
    char error[256]; /* NUL-terminated */
};
#define SPW_X_OOM       1u
#define SPW_X_TIMEOUT   2u
#define SPW_X_CANCELED  4u
#define SPW_X_TRUNCATED 8u
#define SPW_X_ALL       15u

/* Every message without a body. */
struct spw_msg {
    struct spw_head head;
    int32_t arg[4];
    int64_t big;
    struct spw_exit exit;
    char text[SPW_TEXT];
    /* Since 2; of a packet of version 2 only so much is sent as there is data. */
    uint32_t ndata, zero;
    char data[SPW_DATA_MAX];
};

void spw_msg_init(struct spw_msg *, enum spw_type);
/* Writes it for a peer of that version: returns how many bytes to send, 0 when the peer does not know such a message.
 */
CHECKED size_t spw_msg_for(struct spw_msg *, uint32_t peer);
/* n bytes that arrived: a whole message of a known type, text terminated? What its version lacks becomes zero. */
CHECKED bool spw_msg_ok(struct spw_msg *, size_t n);
/* The version to speak with a shim that is ready; 0: there is none. */
uint32_t spw_common(const struct spw_msg *ready);
void spw_exit_init(struct spw_exit *);
CHECKED bool spw_exit_ok(const struct spw_exit *, size_t n);
/* A record as it stands in a log, by whatever version: false when it is damaged. */
CHECKED bool spw_exit_read(const char *p, size_t n, struct spw_exit *ret);

#define SPW_ALLOW_WEAKER 1u
#define SPW_COPY         2u /* /workspace is layers/copy/upper itself: no overlay, steps have no layers */
#define SPW_DISK_HARD    4u /* the file system keeps disk_bytes: layers/ has a project quota */

/* A finished sandbox description. Strings are absolute, canonical paths unless said. */
struct spw_spec {
    const char *run_id, *tenant; /* plain names: [A-Za-z0-9_.-] */
    const char *project, *dir;
    const char *const *ro_binds, *const *hidden;
    size_t nro_binds, nhidden;
    int64_t cpu_millis, memory_bytes, pids, disk_bytes, output_bytes, wall_ms;
    int64_t idle_ms; /* the shim leaves by itself after this long with no step and nobody attached */
    uint32_t flags;
};

struct spw_step {
    const char *command;                                                  /* NULL: argv */
    const char *const *argv, *const *env, *const *lower, *const *secrets; /* NULL-terminated */
    size_t nargv, nenv, nlower, nsecrets;
    const char *cwd, *layer;
    int32_t index, attempt;
    int64_t wall_ms;
    uint16_t cols, rows; /* of its terminal; both 0: it has none. Layout 2 */
};

/* The layout that encoding this step takes: what the shim's version must be at least. */
uint32_t spw_step_layout(const struct spw_step *);
/* Appends a whole body to out. The values are checked as the decoder will check them. */
CHECKED int spw_spec_encode(const struct spw_spec *, struct buf *out, struct err *);
CHECKED int spw_step_encode(const struct spw_step *, struct buf *out, struct err *);

/* Reads a body. The views point into p, which must stay; *ret_mem holds the lists: free() it.
 * Anything odd: ERR_INVALID (never a read outside p .. p + n). */
CHECKED int spw_spec_decode(const char *p, size_t n, struct spw_spec *ret, void **ret_mem, struct err *);
CHECKED int spw_step_decode(const char *p, size_t n, struct spw_step *ret, void **ret_mem, struct err *);

/* Names of layers, tenants and runs: 1..64 of [A-Za-z0-9_.-], not starting with '.' or '-'. */
bool spw_name_ok(const char *);
/* What a name in a layer counts for the disk limit: its blocks, and 4 KiB at least, because an empty file takes an
 * inode of the host. */
static inline int64_t spw_name_bytes(int64_t blocks)
{
    return blocks > 4096 ? blocks : 4096;
}
/* Root mode: the id on the host of this run's steps. Above every range useradd, subuid and systemd hand out, and per
 * run, so that two runs are strangers to each other even by uid. */
uint32_t spw_host_id(const char *run_id);
/* "" or a relative path without "", ".", ".." components. */
bool spw_cwd_ok(const char *);
