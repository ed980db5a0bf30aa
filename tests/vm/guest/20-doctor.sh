#!/bin/bash
# What doctor prints: delegated and not, as root and as a user.
# as: root agent
. /mnt/tests/vm/guest/lib.sh
. /mnt/tests/e2e/lib.sh
E2E_PREFIX="doctor as $VM_AS: "
level() { sed -n "s/^ *\([a-z]*\) *$1 .*/\1/p" "$T/out"; }

t "where processes are in the group, limits of memory and cpu are said to be what they are, with the fix"
want 0 doctor
cp "$T/out" "$T/first"
eq "mode" "$(grep -o 'mode [a-z]*' "$T/out")" "mode $([ "$VM_AS" = root ] && echo root || echo user)"
has "$T/out" "kernel 6.1."
for barrier in "user namespace" "mount namespace" "pid namespace" "network namespace" landlock seccomp "limit pids" "limit wall time"; do
    eq "$barrier" "$(level "$barrier")" hard
done
eq memory "$(level "limit memory")" soft
eq cpu "$(level "limit cpu")" absent
has "$T/out" "Delegate=yes"
has "$T/out" "ABI 2"

t "delegated, all are hard but the disk"
own_leaf || fail "no leaf"
want 0 doctor
eq "not hard" "$(sed -n 's/^  \(soft\|absent\) *\(limit [a-z]*\|[a-z ]*\)  .*/\2/p' "$T/out" | tr '\n' ',')" "limit disk,"

t "and it leaves no group behind"
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
eq "groups" "$(find "${group%/sallyport-server}" -mindepth 1 -type d ! -name sallyport-server)" ""
[ "$BAD" = 0 ] || sed 's/^/#   | /' "$T/first" "$T/out"
finish
