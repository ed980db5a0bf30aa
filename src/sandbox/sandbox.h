/* sandbox - the driver interface: build a sandbox, run steps in it, learn how they ended.
 *
 * Why it exists: the worker drives runs without knowing what holds them
 * (native shim today, Docker later).
 * May include: base os core.   Must not know: store service api.
 * Threads: a struct sandbox is used by one thread at a time (the worker that
 * holds the lease); sandbox_signal and sandbox_kill may come from any thread.
 *
 *   sandbox_open ──► sandbox_exec ──► sandbox_wait … SB_EXIT ──► sandbox_exec … ──► sandbox_destroy
 *        ▲                                                        │
 *        └──────────── sandbox_adopt (after a server restart) ◄───┘ the shim lives on when the server dies
 */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"

/* What a sandbox may use. 0 = no limit of that kind. Each is "hard" only where the host can (sandbox_probe says). */
struct sandbox_limits {
    int64_t cpu_millis;   /* 1000 = one core */
    int64_t memory_bytes; /* swap is off */
    int64_t pids;
    int64_t disk_bytes;   /* all layers of the run together */
    int64_t output_bytes; /* log bytes per step; what is beyond is dropped and log_truncated set */
    int64_t wall_ms;      /* per step */
};

struct sandbox_nursery;

struct sandbox_spec {
    struct id run_id;
    const char *tenant;       /* for names of cgroups; [a-z0-9-] */
    const char *project_root; /* canonical host path of the project: the lowest layer of /workspace */
    const char *dir;          /* host path of the run's directory; see layout below; made by the caller, 0700 */
    struct sandbox_limits limits;
    const char *const *ro_binds; /* more host paths to show read-only at the same path (toolchains); may be NULL */
    size_t nro_binds;
    const char *const *hidden; /* host paths to mask with an empty file or directory (credentials); may be NULL */
    size_t nhidden;
    bool network;      /* false: only lo. true is refused with ERR_SANDBOX_UNAVAILABLE until egress exists */
    int64_t idle_ms;   /* a shim with no step and nobody attached leaves by itself after this; 0 = one hour */
    bool copy;         /* seed.h made layers/copy: it is /workspace of every step; their `lower` is empty */
    bool allow_weaker; /* operator's word: go on when a barrier is missing (each named in `weaker`) */
    struct sandbox_nursery *nursery; /* borrowed for the call; NULL: the shim's program is executed for each sandbox */
};

/* Layout of spec.dir (one run):
 *   logs/<index>.<attempt>.log   os/logfile.h, written by the shim; the last frame, LOG_EXIT,
 *                                holds struct step_exit in fixed form
 *   layers/<n>/{upper,work,born} one per step attempt; `born`: file whose mtime is the layer's birth,
 *                                and that names the start of the machine (proc_boot_id)
 *   shim/{lock,ctl,pid,init,err} flock held while the shim lives; control socket; its messages about itself */

struct step_spec {
    struct id step_id;
    int index, attempt;         /* name the log: "<index>.<attempt>.log" */
    const char *command;        /* shell text for /bin/sh -c, or NULL … */
    const char *const *argv;    /* … then this; NULL-terminated; argv[0] found in the sandbox's PATH */
    const char *cwd;            /* relative to /workspace; "" = itself; must be plain (path_is_plain) */
    const char *const *env;     /* "NAME=value", NULL-terminated; the whole environment besides the built-in
                                   PATH HOME USER TMPDIR LANG TERM and git settings, which it may override */
    const char *const *lower;   /* names of sealed layers of this run, bottom first: "0.1", "1.1"; NULL-terminated */
    const char *layer;          /* name of this attempt's own layer: "<index>.<attempt>" */
    const char *const *secrets; /* values masked in the log, NULL-terminated; may be NULL */
    int64_t wall_ms;            /* 0 = the spec's */
    int cols, rows;             /* of a terminal for stdin, stdout and stderr, 1..4096; both 0: none, stdin is empty */
};

/* What can be done with the terminal of a running step. */
struct sandbox_tty_ask {
    enum { SB_TTY_LOOK, SB_TTY_INPUT, SB_TTY_RESIZE } what;
    uint64_t offset; /* INPUT: bytes of input before this piece; makes a repeat harmless and a gap visible */
    const char *p;   /* of any length; taken as far as there is room */
    size_t n;
    bool eof;       /* nothing follows: every read of the step ends, once it has read all of it */
    int cols, rows; /* RESIZE */
};
struct sandbox_tty {
    enum {
        SB_TTY_OK,    /* taken, perhaps in part, perhaps before: see `taken` */
        SB_TTY_NONE,  /* no step with a terminal is running */
        SB_TTY_GAP,   /* `taken` is where input goes on: nothing of this piece was taken */
        SB_TTY_OTHER, /* somebody else's input is in its place: nothing taken */
        SB_TTY_ENDED  /* the input ended before: nothing taken */
    } status;
    uint64_t taken; /* bytes of input so far */
    size_t fresh;   /* of these: by this call */
    int cols, rows;
    bool eof;
};

struct step_exit {
    int exit_code; /* 0..255, or -1 when it did not exit by itself */
    int signal;    /* 0 or the number */
    bool oom_killed, timed_out, canceled, log_truncated;
    bool lost; /* shim gone without an exit record: nothing above is known */
    int64_t started_us, finished_us, cpu_us, max_rss_bytes, stdout_bytes, stderr_bytes;
    char error[256]; /* the step could not be started: why (exit_code -1); "" else */
};

enum sandbox_event {
    SB_TIMEOUT = 0, /* nothing within the time */
    SB_GREW,        /* the log file grew (coalesced: one per 8 ms on average, a few more at once after a pause) */
    SB_EXIT,        /* the step ended and its log is complete: *ret_exit filled. Not synced: sandbox_keep_log */
    SB_WOKEN,       /* wake_fd became readable (not drained here) */
    SB_GONE,        /* the shim is gone; call sandbox_result: an exit record may exist */
};

struct sandbox;

/* spec.copy: makes the run's copy of the project, or finds the one there is; *ret_bytes: what it takes on disk.
 * min_free: bytes that must stay free. stop(arg), asked at each file: true ends it with ERR_CANCELED. */
CHECKED int sandbox_copy(const struct sandbox_spec *, int64_t min_free, bool (*stop)(void *arg), void *arg,
                         int64_t *ret_bytes, struct err *);
/* Starts the shim and waits until the sandbox stands. ERR_SANDBOX_FAILED / ERR_SANDBOX_UNAVAILABLE with the
 * failing operation and the fix in the message. */
CHECKED int sandbox_open(const struct sandbox_spec *, struct sandbox **ret, struct err *);
bool sandbox_speaks(const struct sandbox *);
/* Barriers that are missing by the operator's word (allow_weaker): "landlock"; "" when none. Valid while sb is. */
const char *sandbox_weaker(const struct sandbox *);
/* Attaches to the live shim of this run's directory. ERR_NOT_FOUND when none lives. *ret_running: a step is running,
 * with its index and attempt. A shim of a version that cannot be spoken to (sandbox_speaks) is left alone while its
 * step runs: sandbox_wait then tells what the log shows, and SB_GONE once the exit record is there, after which the
 * shim is ended; sandbox_kill ends it at once. Without a step it is ended here: ERR_NOT_FOUND. */
CHECKED int sandbox_adopt(const char *dir, struct sandbox **ret, bool *ret_running, int *ret_index, int *ret_attempt,
                          struct err *);
/* ERR_LOST: the shim is gone, and perhaps the step had begun: its layer and its record tell. */
CHECKED int sandbox_exec(struct sandbox *, const struct step_spec *, struct err *);
/* Waits for the next event; wake_fd -1 = none. */
CHECKED int sandbox_wait(struct sandbox *, int timeout_ms, int wake_fd, enum sandbox_event *ret,
                         struct step_exit *ret_exit, struct err *);
/* ERR_UNAVAILABLE: the shim gave no answer; the same may be asked again. By the owner, between two waits. */
CHECKED int sandbox_tty(struct sandbox *, const struct sandbox_tty_ask *, struct sandbox_tty *ret, struct err *);
int sandbox_signal(struct sandbox *, int sig); /* to the step's process group */
int sandbox_kill(struct sandbox *);            /* kill the running step and all it left: SB_EXIT with canceled */
/* Orders the end without waiting for it, so that something else can be done meanwhile; sandbox_destroy must follow. No
 * step runs: with its last process reaped, nothing writes into the layers any more. */
void sandbox_end(struct sandbox *);
/* Kills everything, waits until the shim is gone (bounded, then SIGKILL by pidfd), removes cgroups. Layers and logs
 * stay. Consumes. */
void sandbox_destroy(struct sandbox *);
/* Lets go without touching the sandbox (server stop): the shim lives on. Consumes. */
void sandbox_detach(struct sandbox *);

/* The exit record of a step from its log: 1 found, 0 none (step lost or still running), negative on error. Any thread.
 */
CHECKED int sandbox_result(const char *dir, int index, int attempt, struct step_exit *ret, struct err *);
/* Puts a step's log on disk (fdatasync): before anyone is told how it ended. No log is no error. Any thread. */
CHECKED int sandbox_keep_log(const char *dir, int index, int attempt, struct err *);
/* Is a shim alive in this run directory? 1 / 0 / negative. */
CHECKED int sandbox_alive(const char *dir, struct err *);
/* After a crash: makes sure nothing of this run's sandbox is left (shim by pidfd and lock, cgroups, mounts).
 * Idempotent. */
CHECKED int sandbox_reap(const char *dir, struct err *);

/* What may be left where no run's directory tells of it: for the reconciler, which knows the runs.
 * SHIM: a shim that lives; its run, by its arguments. NURSERY: one whose server is gone, and that did not see it.
 * CGROUP: a group a shim made, for this run or (run none) for a probe; `old`: ten minutes, and nobody is in it.
 * TEMP: a directory of a probe, an hour old. Only what belongs to our user is shown. */
enum stray_kind { STRAY_SHIM, STRAY_NURSERY, STRAY_CGROUP, STRAY_TEMP };
struct sandbox_stray {
    enum stray_kind kind;
    struct id run;
    pid_t pid;                  /* SHIM, NURSERY */
    unsigned long long started; /* the same: tells it from a later process of that number */
    bool old;                   /* CGROUP */
    const char *path;           /* CGROUP, TEMP; borrowed for the call */
};
/* each: non-zero stops, and is returned. */
CHECKED int sandbox_strays(int (*each)(void *arg, const struct sandbox_stray *), void *arg, struct err *);
/* Kills or removes it; that it is gone already is no error. */
CHECKED int sandbox_stray_end(const struct sandbox_stray *, struct err *);

/* A process that copies itself into shims, which saves each the start of a program. It starts with the first sandbox,
 * and again when it died. Free it when no sandbox is being opened any more; open ones live on. Any thread. */
CHECKED int sandbox_nursery_new(struct sandbox_nursery **ret, struct err *);
void sandbox_nursery_free(struct sandbox_nursery *);
pid_t sandbox_nursery_pid(struct sandbox_nursery *); /* -1: not running; for tests */

/* Once, at the start of the server, before any sandbox: where cgroup v2 is delegated to this process, moves it into a
 * leaf of its own, because the kernel gives limits to children only of groups without processes. Does nothing
 * elsewhere. */
void sandbox_host_init(void);

/* What this host can do, for `doctor` and /readyz:
 * {"mode":"root|user","kernel":…,"checks":[{"name","level":"hard|soft|absent","detail","fix"}],"ok":bool}.
 * data: where runs will be, NULL for a temporary directory: the disk limit depends on its file system. */
CHECKED int sandbox_probe(const char *data, struct jw *out, bool *ret_ok, struct err *);
