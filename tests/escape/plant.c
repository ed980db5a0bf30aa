/* plant - what a step leaves in its layer for the host to stumble over: test_planted looks whether it does. */
#include "attempts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEEP 600 /* above what a layer's walk follows */

static void put(struct ctx *c, const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
        broken(c, path);
    close(fd);
}

static void plant_special(struct ctx *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/workspace/socket"};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (mkfifo("/workspace/fifo", 0666) < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0)
        broken(c, "special files");
    /* in the place of a file the project has */
    if (unlink("/workspace/file.txt") < 0 || mkfifo("/workspace/file.txt", 0666) < 0)
        broken(c, "file.txt");
    put(c, "/workspace/setuid", "#!/bin/sh\n", 06755);
}

static void plant_links(struct ctx *c)
{
    const char *bait = at(c->base, "/bait");
    if (symlink(bait, "/workspace/to-bait") < 0 || symlink("../../../../../../etc/passwd", "/workspace/up") < 0 ||
        symlink(bait, "/workspace/.sallyport-tmp") < 0 || symlink(".", "/workspace/self") < 0)
        broken(c, "symlinks");
    /* a folder of the project becomes a link to where the host keeps a file of the same name */
    if (unlink("/workspace/swap/bait") < 0 || rmdir("/workspace/swap") < 0 || symlink(c->base, "/workspace/swap") < 0)
        broken(c, "swap");
    if (unlink("/workspace/tree/in/one") < 0 || rmdir("/workspace/tree/in") < 0 || rmdir("/workspace/tree") < 0)
        broken(c, "tree");
    put(c, "/workspace/tree", "a file where a folder was\n", 0644);
    if (unlink("/workspace/flat") < 0 || mkdir("/workspace/flat", 0755) < 0)
        broken(c, "flat");
    put(c, "/workspace/flat/in", "a folder where a file was\n", 0644);
    put(c, "/workspace/twin", "twin\n", 0644);
    if (link("/workspace/twin", "/workspace/twin2") < 0)
        broken(c, "link");
}

static void plant_names(struct ctx *c)
{
    put(c, "/workspace/new\nline", "x\n", 0644);
    put(c, "/workspace/\xff\xfe", "x\n", 0644);
    put(c, "/workspace/-rf", "x\n", 0644);
    put(c, "/workspace/\033[2J", "x\n", 0644);
    put(c, "/workspace/a\"b\\c", "x\n", 0644);
    if (mkdir("/workspace/locked", 0755) < 0)
        broken(c, "locked");
    put(c, "/workspace/locked/in", "x\n", 0);
    if (chmod("/workspace/locked", 0) < 0)
        broken(c, "chmod");
}

static void plant_git(struct ctx *c)
{
    put(c, "/workspace/.git/hooks/post-checkout", "#!/bin/sh\ntouch /tmp/owned\n", 0755);
    put(c, "/workspace/.git/config", "[core]\nfsmonitor = touch /tmp/owned\n", 0644);
}

static void plant_big(struct ctx *c)
{
    int fd = open("/workspace/sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, 100 << 20) < 0)
        broken(c, "sparse");
    close(fd);
    if (chdir("/workspace") < 0)
        broken(c, "chdir");
    for (int i = 0; i < DEEP; i++) {
        if (mkdir("d", 0755) < 0 || chdir("d") < 0) {
            broken(c, "deep");
            return;
        }
    }
    put(c, "bottom", "x\n", 0644);
}

void try_plant(struct ctx *c)
{
    if (c->outside || access("/workspace/swap", F_OK) < 0) /* only in the project of test_planted */
        return;
    plant_special(c);
    plant_links(c);
    plant_names(c);
    plant_git(c);
    plant_big(c);
    (void)mkdir("/workspace/ovl", 0755);
    (void)setxattr("/workspace/ovl", "user.overlay.redirect", "/../..", 6, 0);
    (void)setxattr("/workspace/ovl", "user.overlay.opaque", "y", 1, 0);
}
