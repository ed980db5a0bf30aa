/* seccomp_gen - turns seccomp.def into the BPF program the shim carries. Runs when Sallyport is built.
 *
 * Why it exists: see seccomp.c. The filter is for the architecture of the
 * build; calls of any other (i386, x32) get ENOSYS.
 * May include: libseccomp. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NS                                                                                                         \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |       \
     0x80 /* CLONE_NEWTIME */)

struct rule {
    const char *name;
    unsigned action; /* SCMP_ACT_* */
    unsigned arg;
    enum scmp_compare op; /* 0: without a condition */
    unsigned long long a, b;
};

static const struct rule rules[] = {
#define ALLOW(name, why)                            {#name, SCMP_ACT_ALLOW, 0, 0, 0, 0},
#define DENY(name, err, why)                        {#name, SCMP_ACT_ERRNO(err), 0, 0, 0, 0},
#define ALLOW_MASK(name, arg, mask, value, why)     {#name, SCMP_ACT_ALLOW, arg, SCMP_CMP_MASKED_EQ, mask, value},
#define DENY_MASK(name, err, arg, mask, value, why) {#name, SCMP_ACT_ERRNO(err), arg, SCMP_CMP_MASKED_EQ, mask, value},
#define REFUSE(name, err, arg, value, why)
#define REFUSE_BUT(name, err, arg, value, arg2, a, b, c, why)
#include "shim/seccomp.def"
#undef ALLOW
#undef DENY
#undef ALLOW_MASK
#undef DENY_MASK
#undef REFUSE
#undef REFUSE_BUT
};

/* libseccomp drops conditional rules beside an unconditional one of the same call ("all ioctls but these"), so those
 * few are checked by hand before its program runs. */
static const struct refuse {
    const char *name;
    unsigned err, arg, value;
    unsigned arg2, nbut, but[3];
} refused[] = {
#define ALLOW(name, why)
#define DENY(name, err, why)
#define ALLOW_MASK(name, arg, mask, value, why)
#define DENY_MASK(name, err, arg, mask, value, why)
#define REFUSE(name, err, arg, value, why)                    {#name, err, arg, value, 0, 0, {0}},
#define REFUSE_BUT(name, err, arg, value, arg2, a, b, c, why) {#name, err, arg, value, arg2, 3, {a, b, c}},
#include "shim/seccomp.def"
};

static void die(const char *what, int r)
{
    fprintf(stderr, "seccomp_gen: %s: %s\n", what, strerror(r < 0 ? -r : errno));
    exit(1);
}

static void add(scmp_filter_ctx ctx, const struct rule *u)
{
    int nr = seccomp_syscall_resolve_name(u->name);
    if (nr == __NR_SCMP_ERROR || nr < 0)
        return; /* not on this architecture: there the default answers */
    struct scmp_arg_cmp c = {.arg = u->arg, .op = u->op, .datum_a = u->a, .datum_b = u->b};
    int r = u->op ? seccomp_rule_add_array(ctx, u->action, nr, 1, &c) : seccomp_rule_add(ctx, u->action, nr, 0);
    if (r < 0 && r != -EACCES) /* EACCES: the same as the default */
        die(u->name, r);
}

static void stmt(unsigned code, unsigned k, unsigned jt, unsigned jf)
{
    printf("{0x%04x, %u, %u, 0x%08x},\n", code, jt, jf, k);
}

/* struct seccomp_data, little-endian: nr at 0, arch at 4, the lower half of an argument at 16 + 8 * n. */
static void load_arg(unsigned n)
{
    stmt(BPF_LD | BPF_W | BPF_ABS, 16 + 8 * n, 0, 0);
}

static unsigned row_length(const struct refuse *f)
{
    return 5 + (f->nbut ? 1 + f->nbut : 0);
}

/* The number of the call is loaded before, and after:
 * if (nr == this && (u32)args[arg] == value && (u32)args[arg2] is none of but[]) return errno; */
static void print_refused(const struct refuse *f, int nr)
{
    unsigned left = row_length(f) - 1; /* instructions after the one being printed */
    stmt(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, left--);
    load_arg(f->arg);
    left--;
    stmt(BPF_JMP | BPF_JEQ | BPF_K, f->value, 0, left-- - 1);
    if (f->nbut) {
        load_arg(f->arg2);
        left--;
    }
    for (unsigned i = 0; i < f->nbut; i++, left--)
        stmt(BPF_JMP | BPF_JEQ | BPF_K, f->but[i], left - 1, 0);
    stmt(BPF_RET | BPF_K, 0x00050000u | f->err, 0, 0); /* SECCOMP_RET_ERRNO */
    stmt(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
}

static void print_all_refused(void)
{
    unsigned n = 1;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        n += seccomp_syscall_resolve_name(refused[i].name) < 0 ? 0 : row_length(&refused[i]);
    stmt(BPF_LD | BPF_W | BPF_ABS, 4, 0, 0);
    stmt(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 1, 0);
    stmt(BPF_JMP | BPF_JA, n, 0, 0); /* of another architecture: the main program refuses it */
    stmt(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int nr = seccomp_syscall_resolve_name(refused[i].name);
        if (nr >= 0)
            print_refused(&refused[i], nr);
    }
}

static void print(int fd)
{
    struct sock_filter f;
    while (read(fd, &f, sizeof(f)) == (ssize_t)sizeof(f))
        printf("{0x%04x, %u, %u, 0x%08x},\n", f.code, f.jt, f.jf, f.k);
}

int main(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!ctx)
        die("init", -ENOMEM);
    int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, not a list */
    if (r < 0)
        die("attributes", r);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        add(ctx, &rules[i]);
    FILE *tmp = tmpfile();
    if (!tmp)
        die("tmpfile", 0);
    r = seccomp_export_bpf(ctx, fileno(tmp));
    if (r < 0)
        die("export", r);
    lseek(fileno(tmp), 0, SEEK_SET);
    print_all_refused();
    print(fileno(tmp));
    fclose(tmp);
    seccomp_release(ctx);
    return 0;
}
