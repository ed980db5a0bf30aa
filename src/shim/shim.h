/* shim - what the parts of sallyport-shim share.
 *
 * Why it exists: one description of who is who inside a sandbox, passed down;
 * the shim has no globals.
 * May include: base os sandbox/spec.h.   Single-threaded, two processes:
 *
 *   shim (host side)                          init (pid 1 inside)
 *     main.c    spec, lock, control socket      init.c    reaps, starts and ends steps
 *     build.c   namespaces, id maps             rootfs.c  builds the view of the file system
 *     binds.c   toolchains, in root mode        binds.c   toolchains, in user mode
 *     host.c    event loop                      step.c    drops every privilege, then execve
 *     pump.c    logs, exit record               memory.c  soft memory limit
 *     tty.c     input of a terminal
 *     cgroup.c  hard limits
 *
 * Its server may be older or newer: sandbox/spec.h says what that asks of a message, and how to add one. Messages
 * between host side and init need none of it: both are one memory image.
 *
 * Privileges: in root mode (root with CAP_SYS_ADMIN) the host side keeps CAP_CHOWN and CAP_KILL once the sandbox
 * stands; in user mode it has none. init is all-powerful inside its own user namespace and nobody outside. */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "sandbox/spec.h"

struct ids {
    bool root_mode;
    uid_t owner, host, in; /* of the project on disk; of the step on the host; of the step inside. Never 0 but owner */
    gid_t owner_gid, host_gid, in_gid;
};

/* What the barriers are; their names appear in messages and in `weaker`. */
#define BAR_MAX 256

struct weaker {
    char names[BAR_MAX]; /* "landlock, memory": what is missing by the operator's word */
};
/* A barrier is missing: notes it when the operator allows that, else fails. Returns 0 or -ERR_SANDBOX_UNAVAILABLE. */
CHECKED int weaker_note(struct weaker *, bool allowed, const char *name, const char *why, const char *fix,
                        struct err *);

/* --- build.c: on the host side --- */
struct built {
    pid_t pid; /* init, as the host sees it */
    int pidfd; /* of init */
    int sock;  /* SOCK_SEQPACKET to init */
};
CHECKED int ids_find(const struct spw_spec *, struct ids *ret, struct err *);
/* Is the project shown through an idmapped mount? Not where the run has its own files (SPW_COPY). */
bool ids_map_project(const struct spw_spec *, const struct ids *);
/* What init gets with the word to go on. */
struct go {
    bool soft_memory; /* no memory controller: init watches by sampling */
    int doors[3];     /* CGROUP_DOORS: of the v1 groups it must enter first (cgroup.h) */
    size_t ndoors;
};
/* Starts init in new namespaces and waits until its file system stands. cgroup_fd: v2 group to be born in, or -1.
 * The host side works while init does: limits(arg, ret) makes the v1 groups and opens their doors; meanwhile(arg) is
 * what need not wait; proof(arg, pid) looks whether init is under its limits. */
struct build_in {
    const struct spw_spec *spec;
    const struct ids *ids;
    int cgroup_fd;
    int (*limits)(void *arg, struct go *ret, struct err *);
    int (*meanwhile)(void *arg, struct err *);
    int (*proof)(void *arg, pid_t pid, struct err *);
    void *arg;
    struct weaker *weaker;
};
CHECKED int build_sandbox(const struct build_in *, struct built *ret, struct err *);
/* Keeps CAP_CHOWN and CAP_KILL in root mode, nothing else; proven by reading back. */
CHECKED int host_drop(const struct ids *, struct err *);
/* A user namespace that maps ids->owner to ids->host, for idmapped mounts. fd or negative code. The process that lent
 * its namespace is killed then; reap it when nobody waits for you any more. */
struct lender {
    pid_t pid, parent; /* pid 0: none */
    char *stack;
};
CHECKED int userns_with_map(const struct ids *, struct lender *, struct err *);
void lender_reap(struct lender *);
/* errno of clone3/unshare -> what to do about it. */
const char *userns_fix(int sys);

/* --- binds.c --- */
/* A detached, read-only, private copy of spec->ro_binds[i]. ns: a user namespace whose id map it gets where its file
 * system can, or -1. 0; *ret is -1 when it is not there or out of reach. */
CHECKED int bind_open(const struct spw_spec *, size_t i, int ns, int *ret, struct err *);

/* --- messages between host side and init: same binary, same memory image --- */
enum ini_type {
    INI_GO = 1, /* host -> init: maps are written; soft; fds: project (root mode), doors of v1 groups */
    INI_BIND,   /* host -> init, before INI_GO in root mode: num = index in spec->ro_binds, fd 0 = its copy */
    INI_UP,     /* init -> host: the file system stands */
    INI_FAIL,   /* init -> host: it does not; text */
    INI_STEP,   /* host -> init: body in fd 0; stdin stdout stderr in fds 1..3, none for a step with a terminal */
    INI_TTY,    /* init -> host, before DONE: fd 0 = the master of the step's terminal, which init keeps no copy of */
    INI_SIGNAL, /* host -> init: num = signal to the step's process group */
    INI_END,    /* host -> init: SIGKILL to everything but init */
    INI_DONE,   /* init -> host: all of the step is reaped: its record can be written */
    INI_CLEAN,  /* init -> host, after DONE: its overlay is unmounted, another step may come */
};
struct ini_msg {
    int type, num;
    int status;          /* wait(2) status of the main process; -1: it never ran */
    int code, sys;       /* INI_FAIL */
    bool soft;           /* INI_GO: memory is watched by init */
    bool soft_oom, disk; /* killed by init for memory / for disk */
    int64_t cpu_us, max_rss_bytes;
    char text[SPW_TEXT];
};
CHECKED int ini_send(int sock, const struct ini_msg *, const int *fds, size_t nfds);
/* 1, 0 = closed, -1 = error. */
CHECKED int ini_recv(int sock, struct ini_msg *ret, int *fds, size_t max, size_t *ret_nfds);

/* --- init side --- */
struct init_in {
    const struct spw_spec *spec;
    const struct ids *ids;
    int sock;
};
_Noreturn void init_main(const struct init_in *);

struct rootfs {
    int project_fd; /* O_PATH: lowest layer of /workspace; covered, so steps cannot reach it */
    int layers_fd;  /* O_RDONLY directory: layers/ of the run; covered too */
};
/* In two halves: what the host has is opened before INI_GO, as soon as init runs; all the rest comes after it, under
 * the sandbox's limits. project_fd: idmapped copy of the project (root mode), else -1; consumed. */
struct gather;
CHECKED int rootfs_gather(const struct init_in *, struct gather **ret, struct err *);
/* What INI_BIND brought; fd is consumed. */
void rootfs_bind(const struct init_in *, struct gather *, int index, int fd);
CHECKED int rootfs_build(const struct init_in *, struct gather *, int project_fd, struct rootfs *ret, struct err *);
/* Mounts / unmounts the overlay of one step. */
CHECKED int rootfs_step_mount(const struct init_in *, const struct rootfs *, const struct spw_step *, struct err *);
void rootfs_step_umount(void);

/* --- memory.c, in init --- */
/* Bytes the sandbox holds now, as far as it can be seen. Not exact: cheap, and never less than exactly. */
int64_t memory_used(bool exact);
/* Bytes on disk of files that were removed while a process still has them open: no walk finds them. -1: for want of
 * memory or descriptors they could not all be looked at. */
int64_t memory_unlinked(void);
/* Removes System V objects: they stay when their processes end, and nothing of a step may. */
void memory_clear(void);

/* --- step.c, in the child that becomes the step --- */
struct step_in {
    const struct spw_spec *spec;
    const struct ids *ids;
    int sock;   /* from init: one INI_STEP, with the fds it came with */
    int err_fd; /* closed by a successful execve; else gets one struct step_fail */
};
struct step_fail {
    int sys;
    char text[200];
};
_Noreturn void step_main(const struct step_in *);
/* The body of a step from its fd; free() it. For init and for the step's process: each reads what it acts on itself. */
CHECKED int step_read_body(int fd, char **ret, size_t *ret_n, struct err *);

/* --- landlock.c, seccomp.c --- */
/* 0 = none; else the ABI version of the running kernel. */
int landlock_abi(void);
CHECKED int landlock_enter(void); /* 0 or -1 with errno; needs no_new_privs */
/* For the probe: no file may be written, no signal sent. 0 or -1 with errno. */
CHECKED int landlock_only(bool writes, bool signals);
CHECKED int seccomp_enter(void); /* 0 or -1 with errno */
bool seccomp_there(void);
