# lib.sh - what the guest's scripts share; sourced.
MNT=/mnt

# Into a leaf below the delegated group: a group that passes controllers down may hold no process (cgroup-v2.rst).
# The name is the one the server uses for itself, so shims started from here make their groups beside it.
own_leaf() {
    local group
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    mkdir "$group/sallyport-server" && echo $$ >"$group/sallyport-server/cgroup.procs"
}
