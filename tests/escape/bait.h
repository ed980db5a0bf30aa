/* bait - what lies on the host for the escape suite to reach for, and whether it is untouched.
 *
 * May include: base os, the rig. One per test program.
 *
 *   BASE/                      0755
 *     bait outside/{ws,tmp}    what tries change; where they work when they are made outside
 *     sock dgram               listening sockets; one more of each kind abstract, and on the loopback
 *     other/ data/             another run's directory, a server's data
 *     bound/                   shown read-only inside: sock suid tool token
 *     project/                 shown as /workspace: attempts link sock suid capable credentials secrets/
 *     run/                     this run's directory */
#pragma once
#include <sys/types.h>
#include "sandbox/rig.h"

struct bait {
    struct rig g;
    const char *program;
    char bound[256], mark[64], port[16], udp_port[16], key[16], canary_pid[16];
    char before[2048]; /* what must stay as it is, in words */
    int stream[5], dgram[3], leak, shm, sem, msg;
    pid_t canary;
};

void bait_lay(struct bait *, const char *program);
/* Before a try: what tries outside have done to the bait is mended. */
void bait_reset(struct bait *);
/* After a try inside: NULL, or what was touched. */
const char *bait_touched(struct bait *);
void bait_clear(struct bait *);
