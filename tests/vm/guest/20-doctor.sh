#!/bin/bash
# What doctor prints: delegated and not, as root and as a user.
# as: root agent
. /mnt/tests/vm/guest/lib.sh
. /mnt/tests/e2e/lib.sh
E2E_PREFIX="doctor as $VM_AS: "
level() { jq -r --arg name "$1" '.checks[] | select(.name == $name) | .level' "$T/out"; }
# All but the disk: that depends on the file system, which has project quotas here; they take root.
weak() { jq -r '[.checks[] | select(.level != "hard" and .name != "limit disk") | "\(.name): \(.level)"] | join("; ")' "$T/out"; }
# What Linux 6.1 cannot do, or an ordinary user, whatever the cgroups are.
KERNEL="landlock: signals, abstract sockets: absent"
[ "$VM_AS" = root ] || KERNEL="$KERNEL; own uid for each run: absent"

t "where processes are in the group, limits of memory and cpu are said to be what they are, with the fix"
want 0 doctor
cp "$T/out" "$T/first"
eq "mode" "$(grep -o 'mode [a-z]*' "$T/out")" "mode $([ "$VM_AS" = root ] && echo root || echo user)"
has "$T/out" "kernel 6.1."
has "$T/out" "Delegate=yes"
has "$T/out" "ABI 2"
want 0 doctor --json
eq memory "$(level "limit memory")" soft
eq cpu "$(level "limit cpu")" absent
eq disk "$(level "limit disk")" "$([ "$VM_AS" = root ] && echo hard || echo soft)"
eq weak "$(weak)" "$KERNEL; limit memory: soft; limit kernel memory: absent; limit cpu: absent"

t "delegated, all are hard, the disk as root only"
own_leaf || fail "no leaf"
want 0 doctor --json
eq weak "$(weak)" "$KERNEL"

t "and it leaves no group behind"
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
eq "groups" "$(find "${group%/sallyport-server}" -mindepth 1 -type d ! -name sallyport-server)" ""
[ "$BAD" = 0 ] || sed 's/^/#   | /' "$T/first" "$T/out"
finish
