# lib.sh - what the guest's scripts share; sourced.
MNT=/mnt

# Into a leaf below the delegated group: a group that passes controllers down may hold no process (cgroup-v2.rst).
# The name is the one the server uses for itself, so shims started from here make their groups beside it.
own_leaf() {
    local group
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    mkdir "$group/sallyport-server" && echo $$ >"$group/sallyport-server/cgroup.procs"
}

cases() { # NAME PROGRAM ARG...: a cmocka program, case by case
    local name=$1
    shift
    CMOCKA_MESSAGE_OUTPUT=TAP "$@" >/tmp/tap.$VM_AS 2>&1
    sed -n "s/^ok [0-9]* - \(.*\)/ok $name as $VM_AS: \1/p; s/^not ok [0-9]* - \(.*\)/not ok $name as $VM_AS: \1/p
        s/^not ok [0-9]* # SKIP \(.*\)/skip $name as $VM_AS: \1 # not for an ordinary user/p" /tmp/tap.$VM_AS
    grep -q '^not ok [0-9]* -' /tmp/tap.$VM_AS && grep -v '^ok' /tmp/tap.$VM_AS | sed 's/^/# /'
    grep -q '^ok' /tmp/tap.$VM_AS || { echo "not ok $name as $VM_AS: runs"; sed 's/^/# /' /tmp/tap.$VM_AS; }
}
