/* sockets - tries at what listens on the host, at any network, and at families of sockets nobody needs. */
#include "attempts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_unix(const char *path, size_t len, int type)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (len > sizeof(a.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(a.sun_path, path, len);
    int r = connect(s, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    int sys = errno;
    close(s);
    errno = sys;
    return r;
}

static int to_path(const char *path, int type)
{
    return connect_unix(path, strlen(path) + 1, type);
}

static int to_abstract(const char *name, const char *end, int type)
{
    char p[108] = {0};
    int n = snprintf(p + 1, sizeof(p) - 1, "%s%s", name, end);
    return connect_unix(p, (size_t)n + 1, type);
}

void try_unix_by_path(struct ctx *c)
{
    const char *sock = at(c->base, "/sock"), *link = at(c->ws, "/to-sock");
    TRY(ANY, to_path(sock, SOCK_STREAM), ENOENT);
    TRY(ANY, to_path(at("/proc/self/root", sock), SOCK_STREAM), ENOENT);
    TRY(ANY, to_path(at(c->base, "/dgram"), SOCK_DGRAM), ENOENT);
    if (symlink(sock, link) < 0)
        broken(c, "symlink");
    TRY(ANY, to_path(link, SOCK_STREAM), ENOENT);
    TRY(MAYBE, to_path("/run/docker.sock", SOCK_STREAM), ENOENT);
    TRY(MAYBE, to_path("/run/dbus/system_bus_socket", SOCK_STREAM), ENOENT);
    TRY(MAYBE, to_path("/run/systemd/private", SOCK_STREAM), ENOENT);
    TRY(MAYBE, to_path("/dev/log", SOCK_DGRAM), ENOENT);
    TRY(NOT, to_path(at(c->base, "/run/shim/ctl"), SOCK_SEQPACKET), ENOENT);
}

/* The socket's file shows in /workspace and in a bind: both are overlays, which have inodes of their own. */
void try_unix_in_views(struct ctx *c)
{
    const char *in_project = c->outside ? at(c->base, "/project/sock") : "/workspace/sock";
    CHECK(NOT, access(in_project, F_OK) == 0);
    TRY(ANY, to_path(in_project, SOCK_STREAM), ECONNREFUSED);
    CHECK(NOT, access(at(c->base, "/bound/sock"), F_OK) == 0);
    TRY(ANY, to_path(at(c->base, "/bound/sock"), SOCK_STREAM), ECONNREFUSED);
    TRY(NOT, link("/workspace/sock", "/workspace/sock2") == 0 ? to_path("/workspace/sock2", SOCK_STREAM) : -1,
        ECONNREFUSED, EXDEV);
}

void try_abstract_sockets(struct ctx *c)
{
    TRY(ANY, to_abstract(c->abstract, "", SOCK_STREAM), ECONNREFUSED, EPERM);
    TRY(ANY, to_abstract(c->abstract, "-dgram", SOCK_DGRAM), ECONNREFUSED, EPERM);
    /* The same name is free in here: it is another network namespace. */
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", c->abstract);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = bind(s, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1));
    CHECK(ANY, r == 0);
}

/* ---- networks ---- */

static int to_inet(int type, const char *addr, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool six = strchr(addr, ':');
    int s = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (s < 0 || inet_pton(six ? AF_INET6 : AF_INET, addr, six ? (void *)&b.sin6_addr : (void *)&a.sin_addr) != 1)
        return -1;
    (void)setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
    const struct sockaddr *to = six ? (struct sockaddr *)&b : (struct sockaddr *)&a;
    socklen_t len = six ? sizeof(b) : sizeof(a);
    int r = type == SOCK_DGRAM ? (int)sendto(s, "x", 1, 0, to, len) : connect(s, to, len);
    int sys = errno;
    if (r < 0 && sys == EINPROGRESS) { /* lo answers at once; anything else is a network */
        int e = ETIMEDOUT;
        socklen_t n = sizeof(e);
        usleep(2000);
        (void)getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n);
        sys = e;
        r = e ? -1 : 0;
    }
    close(s);
    errno = sys;
    return r;
}

void try_loopback_of_the_host(struct ctx *c)
{
    TRY(ANY, to_inet(SOCK_STREAM, "127.0.0.1", c->port), ECONNREFUSED);
    TRY(ANY, to_inet(SOCK_STREAM, "127.1.2.3", c->port), ECONNREFUSED);
    TRY(ANY, to_inet(SOCK_STREAM, "0.0.0.0", c->port), ECONNREFUSED);
    TRY(NOT, to_inet(SOCK_STREAM, "::1", c->port), ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH);
    TRY(NOT, to_inet(SOCK_STREAM, "::ffff:127.0.0.1", c->port), ECONNREFUSED);
    /* On lo a datagram always goes out; the test looks whether the host's socket got it. */
    (void)to_inet(SOCK_DGRAM, "127.0.0.1", c->udp);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(ANY, bind(s, (struct sockaddr *)&a, sizeof(a)) == 0); /* the host's port is free in here */
}

void try_networks(struct ctx *c)
{
    static const char *const to[] = {"8.8.8.8",     "169.254.169.254", "10.0.0.1",    "172.17.0.1",
                                     "192.168.0.1", "255.255.255.255", "224.0.0.251", "100.64.0.1"};
    static const char *const to6[] = {"2001:4860:4860::8888", "fe80::1", "ff02::1", "fd00::1", "64:ff9b::808:808"};
    for (size_t i = 0; i < N(to); i++) {
        TRY(NOT, to_inet(SOCK_STREAM, to[i], 80), ENETUNREACH);
        TRY(MAYBE, to_inet(SOCK_DGRAM, to[i], 53), ENETUNREACH);
    }
    for (size_t i = 0; i < N(to6); i++) {
        TRY(NOT, to_inet(SOCK_STREAM, to6[i], 80), ENETUNREACH, EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL);
        TRY(NOT, to_inet(SOCK_DGRAM, to6[i], 53), ENETUNREACH, EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL);
    }
}

void try_names(struct ctx *c)
{
    struct addrinfo *a = NULL, hints = {.ai_socktype = SOCK_STREAM};
    if (c->outside)
        return;
    CHECK(NOT, getaddrinfo("deb.debian.org", "80", &hints, &a) != 0);
    CHECK(NOT, getaddrinfo("one.one.one.one", "80", &hints, &a) != 0);
    CHECK(NOT, getaddrinfo("localhost", "80", &hints, &a) == 0);
    TRY(NOT, access("/etc/resolv.conf", F_OK), ENOENT);
    TRY(NOT, access("/run/nscd/socket", F_OK), ENOENT);
}

static int set_flags(const char *name, short flags)
{
    struct ifreq r = {.ifr_flags = flags};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    return ioctl(s, SIOCSIFFLAGS, &r);
}

static int set_address(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203)};
    memcpy(&r.ifr_addr, &a, sizeof(a));
    return ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFADDR, &r);
}

/* One request to the kernel; 0, or -1 with the errno it answered. */
static int ask_kernel(int type, int flags)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg i;
    } q = {{sizeof(q), (uint16_t)type, (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags), 1, 0}, {.ifi_index = 1}};
    struct {
        struct nlmsghdr h;
        struct nlmsgerr e;
        char more[512];
    } a;
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (s < 0 || send(s, &q, sizeof(q), 0) < 0 || recv(s, &a, sizeof(a), 0) < (ssize_t)sizeof(a.h))
        return -1;
    close(s);
    errno = a.h.nlmsg_type == NLMSG_ERROR ? -a.e.error : 0;
    return errno ? -1 : 0;
}

void try_configure_network(struct ctx *c)
{
    struct if_nameindex *i = if_nameindex();
    CHECK(NOT, i && i[0].if_index && strcmp(i[0].if_name, "lo") == 0 && i[1].if_index == 0);
    TRY(NOT, set_flags("lo", 0), EPERM);
    TRY(NOT, set_address(), EPERM);
    TRY(NOT, ask_kernel(RTM_NEWLINK, NLM_F_CREATE), EPERM);
    TRY(NOT, ask_kernel(RTM_DELLINK, 0), EPERM);
    TRY(NOT, ask_kernel(RTM_NEWROUTE, NLM_F_CREATE), EPERM);
    TRY(NOT, ask_kernel(RTM_NEWRULE, NLM_F_CREATE), EPERM);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mark = 1;
    TRY(ROOT, setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), EPERM);
    TRY(ROOT, setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &mark, sizeof(mark)), EPERM);
    TRY(NOT, ioctl(s, 0x8946 /* SIOCETHTOOL */, &(struct ifreq){.ifr_name = "lo"}), EPERM, EFAULT, EOPNOTSUPP);
}

/* ---- odd families ---- */

static int a_socket(long family, long type, long proto)
{
    return (int)syscall(SYS_socket, family, type | SOCK_CLOEXEC, proto);
}

void try_packet_sockets(struct ctx *c)
{
    TRY(ROOT, a_socket(AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT);
    TRY(ROOT, a_socket(AF_PACKET, SOCK_DGRAM, 0x0300), EAFNOSUPPORT);
    TRY(ROOT, a_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPROTONOSUPPORT);
    TRY(ROOT, a_socket(AF_INET, SOCK_RAW, IPPROTO_RAW), EPROTONOSUPPORT);
    TRY(ROOT, a_socket(AF_INET, SOCK_RAW, IPPROTO_TCP), EPERM);
    TRY(ROOT, a_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPROTONOSUPPORT);
    TRY(NOT, a_socket(AF_INET, 10 /* SOCK_PACKET */, 0), EINVAL, EPERM, ESOCKTNOSUPPORT);
}

void try_socket_families(struct ctx *c)
{
    static const int known[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    for (int f = 0; f < 64 && !c->outside; f++) {
        bool ours = false;
        for (size_t i = 0; i < N(known); i++)
            ours |= f == known[i];
        int type[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
        for (size_t i = 0; i < N(type) && !ours; i++)
            TRY(NOT, a_socket(f, type[i], 0), ENOSYS, EAFNOSUPPORT);
    }
    TRY(MAYBE, a_socket(40 /* AF_VSOCK */, SOCK_STREAM, 0), EAFNOSUPPORT);
    TRY(MAYBE, a_socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
    TRY(MAYBE, a_socket(31 /* AF_BLUETOOTH */, SOCK_RAW, 1), ENOSYS);
    TRY(MAYBE, a_socket(44 /* AF_XDP */, SOCK_RAW, 0), ENOSYS);
    /* the kernel looks at the lower half of an argument only: so must the filter */
    TRY(NOT, a_socket(0x700000028, SOCK_STREAM, 0), EAFNOSUPPORT);
    TRY(NOT, a_socket(0x100000011, SOCK_RAW, 0), EAFNOSUPPORT);
    TRY(NOT, syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, (int[2]){0, 0}), ENOSYS);
}

/* Protocols of known families that load modules, or talk to parts of the kernel no build needs. */
void try_socket_protocols(struct ctx *c)
{
    static const int inet[] = {
        132 /* SCTP */, 33 /* DCCP */, 136 /* UDPLITE */, 262 /* MPTCP */, 2 /* IGMP */, 115 /* L2TP */, 50 /* ESP */};
    for (size_t i = 0; i < N(inet); i++) {
        TRY(NOT, a_socket(AF_INET, SOCK_STREAM, inet[i]), EPROTONOSUPPORT);
        TRY(NOT, a_socket(AF_INET6, SOCK_DGRAM, inet[i]), EPROTONOSUPPORT);
    }
    for (int p = 1; p < 32; p++)
        TRY(NOT, a_socket(AF_NETLINK, SOCK_RAW, p), EPROTONOSUPPORT);
    TRY(ANY, a_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT), EPROTONOSUPPORT);
    TRY(MAYBE, a_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), EPROTONOSUPPORT);
    TRY(MAYBE, a_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), EPROTONOSUPPORT);
    TRY(NOT, a_socket(AF_NETLINK, SOCK_RAW, 0x30000000cL), EPROTONOSUPPORT);
}

/* ---- handing fds and names over ---- */

static ssize_t send_fd(int sock, int fd)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } u = {0};
    struct iovec v = {(void *)(size_t) "x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof(u.room)};
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_RIGHTS;
    u.h.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
    return sendmsg(sock, &m, MSG_NOSIGNAL);
}

static ssize_t send_creds(int sock, pid_t pid, uid_t uid)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } u = {0};
    struct ucred cr = {pid, uid, getgid()};
    struct iovec v = {(void *)(size_t) "x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof(u.room)};
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_CREDENTIALS;
    u.h.cmsg_len = CMSG_LEN(sizeof(cr));
    memcpy(CMSG_DATA(&u.h), &cr, sizeof(cr));
    return sendmsg(sock, &m, MSG_NOSIGNAL);
}

static int bind_at(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&a, sizeof(a));
}

/* A directory fd handed to an accomplice outside would open the sandbox; there must be nobody to hand it to. */
void try_hand_over_fds(struct ctx *c)
{
    int dir = open(c->ws, O_PATH | O_DIRECTORY | O_CLOEXEC), sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
        broken(c, "socketpair");
    TRY(ANY, send_fd(sv[0], dir) == 1 ? to_path(at(c->base, "/sock"), SOCK_STREAM) : 0, ENOENT);
    for (int fd = 0; fd < 3; fd++)
        TRY(NOT, send_fd(fd, dir), ENOTSOCK);
    TRY(ANY, bind_at(at(c->base, "/outside/door")), ENOENT);
    TRY(NOT, bind_at(at(c->base, "/bound/door")), EROFS, EADDRINUSE);
    TRY(NOT, bind_at("/run/door"), EROFS);
    TRY(ROOT, send_creds(sv[0], 1, 0), EPERM, EINVAL);
    TRY(ROOT, send_creds(sv[0], c->canary, getuid()), EPERM, ESRCH);
}
