/* apply_priv - the parts of apply: plan, check, steps, journal.
 *
 * Include only from apply*.c and their tests.
 *
 * A plan is a list of steps, each taking one path from one state to another. The same step, turned around, is the roll
 * back; a plan, turned around, is the undo. One path may have several steps (unlock a directory, remove it, put a file
 * there): its chain.
 *
 * Facts that hold:
 *   1  nothing in the project is touched before the journal holds the plan, every pre-image and "go", all synced;
 *   2  a step does nothing when the path is already where it leads, or further along its chain;
 *   3  a step refuses (ERR_APPLY_CONFLICT) when the path is in a state the plan does not know;
 *   4  a file of the project is replaced by rename only, from a complete, synced temporary file beside it.
 *
 * Syncing: up to APPLY_FEW steps one by one; more with syncfs(2) per batch: thousands of fsyncs take minutes. */
#pragma once
#include "base/buf.h"
#include "sandbox/apply.h"
#include "sandbox/changes_priv.h"

#define APPLY_NONE SIZE_MAX
#define APPLY_FEW  16

/* What is at a path. */
struct apply_state {
    uint32_t mode;        /* st_mode; 0: nothing */
    char sha[SHA256_HEX]; /* a file's content, a link's target; "" else */
    const char *link;     /* a link's target; "" else */
    const char *source;   /* where a file's content lies: "pre/<n>" or "new/<n>" in the journal,
                             "mix/<n>" there, made by apply_mix, "layer:<name>" in the run; "" when nothing
                             needs it */
    bool stamped;         /* the four below are known and are restored */
    uint32_t uid, gid;
    int64_t mtime_s;
    int64_t mtime_ns;
};

struct apply_op {
    const char *path;
    struct apply_state from, to;
    size_t prev, next; /* neighbours in the path's chain, APPLY_NONE at its ends */
    bool counts;       /* stands for one file of the result, with these lines */
    int64_t additions, deletions;
    bool moved;       /* building only: see struct change */
    bool drop;        /* building only: nothing to do */
    const char *text; /* building process only: what mix/<n> is to hold; NULL: nothing */
    size_t ntext;
    struct stat seen; /* building process only: as checked; st_nlink 0: not seen */
};

struct apply_plan {
    struct arena *arena; /* all strings */
    struct apply_op *op;
    size_t n, cap;
    size_t *by_path; /* indices sorted by path, then by order */
    char tag[17];    /* of temporary names */
};

/* --- apply_plan.c */
CHECKED int apply_plan_new(struct apply_plan **ret, struct err *);
void apply_plan_free(struct apply_plan *);
DEFINE_AUTO_PTR(struct apply_plan, apply_plan_free);
/* Appends a step; path and the strings of the states are copied. */
CHECKED int apply_plan_add(struct apply_plan *, const char *path, const struct apply_state *from,
                           const struct apply_state *to, struct apply_op **ret, struct err *);
CHECKED int apply_plan_link(struct apply_plan *, struct err *); /* fills by_path and the chains */
void apply_plan_sweep(struct apply_plan *);                     /* removes dropped steps; link again */
/* Some step is about this path; else APPLY_NONE. The first of its chain. */
size_t apply_plan_find(const struct apply_plan *, const char *path);
CHECKED int apply_plan_text(const struct apply_plan *, struct buf *out, struct err *);
CHECKED int apply_plan_parse(const char *p, size_t n, struct apply_plan **ret, struct err *);
struct apply_result apply_plan_totals(const struct apply_plan *);
CHECKED char *apply_plan_str(struct apply_plan *, const char *fmt, ...) PRINTF(2, 3);

/* --- apply_step.c */
struct apply_ctx {
    int root, run, journal; /* project, run directory, run/apply; -1 when not there; none is O_PATH */
    const char *run_dir;
    struct apply_plan *plan;
    uid_t uid; /* owner of the project */
    gid_t gid;
    struct buf why; /* conflicts met: JSON objects, comma-separated */
    bool first;     /* nothing was started yet: `seen` may be trusted */
    bool lazy;      /* files are not synced one by one: the caller syncs the file system */
};
/* Now. mode 0 and *ret_sys when nothing is there. Negative when it cannot be looked at. */
CHECKED int apply_look(const struct apply_ctx *, const char *path, struct stat *ret, int *ret_sys, struct err *);
/* Is `st` (from apply_look) this state? 1, 0, negative. */
CHECKED int apply_is(const struct apply_ctx *, const char *path, const struct stat *st, const struct apply_state *,
                     struct err *);
CHECKED int apply_step(struct apply_ctx *, size_t i, bool forward, struct err *);
/* A step forward that writes a file, in two halves, so that many can be synced at once between them: the first leaves
 * the complete temporary file (returns 1; *now is for the second) or finds nothing to do (0). */
bool apply_writes_file(const struct apply_op *);
CHECKED int apply_stage(struct apply_ctx *, size_t i, struct stat *now, struct err *);
CHECKED int apply_commit(struct apply_ctx *, size_t i, const struct stat *now, struct err *);
void apply_sweep_tmp(struct apply_ctx *);                 /* temporary files a crash left */
CHECKED int apply_sync_all(int fd, struct err *);         /* syncfs; fd is not O_PATH */
CHECKED int apply_sync(struct apply_ctx *, struct err *); /* the directories the steps wrote in */
void apply_copy_xattrs(int from, int to);
void apply_conflict(struct apply_ctx *, const char *path, const char *why);

/* --- apply_check.c: before the first write. Fills stamps and drops what is done already. 0, or ERR_APPLY_CONFLICT. */
CHECKED int apply_check(struct apply_ctx *, struct err *);

/* --- apply_times.c: the times of directories */
void apply_times_note(const struct apply_ctx *, const char *name); /* as they are now, as `name` in the journal */
void apply_times_plan(const struct apply_ctx *done, const struct apply_ctx *undo); /* what the undo is to set */
void apply_times_set(const struct apply_ctx *);

/* --- apply_build.c */
CHECKED int apply_build(const struct changes *, const char *const *only, struct apply_plan *, struct buf *skipped,
                        struct err *);

/* --- apply_mix.c: files of which only some hunks are taken: another content to go to, in the plan and in memory */
CHECKED int apply_mix(struct apply_ctx *, const struct apply_hunks *, size_t n, struct buf *skipped, struct err *);

/* --- apply_journal.c */
enum apply_where { APPLY_NO_JOURNAL, APPLY_PLANNED, APPLY_GOING, APPLY_BACK, APPLY_DONE };
CHECKED int apply_open(const char *run_dir, const char *project_root, struct apply_ctx *ret, struct err *);
void apply_close(struct apply_ctx *);                                             /* frees the plan too */
CHECKED int apply_where(struct apply_ctx *, enum apply_where *ret, struct err *); /* opens the journal, if any */
CHECKED int apply_load(struct apply_ctx *, struct err *);                         /* its plan */
/* Saves plan and pre-images, then carries the plan out: done, or everything back as it was and the reason. */
CHECKED int apply_carry_out(struct apply_ctx *, struct err *);
CHECKED int apply_resume(struct apply_ctx *, enum apply_where, int *ret_state, struct err *);
CHECKED int apply_drop_journal(struct apply_ctx *, struct err *);
/* Conflicts gathered so far as a JSON array; NULL when none. */
char *apply_take_conflicts(struct apply_ctx *);
