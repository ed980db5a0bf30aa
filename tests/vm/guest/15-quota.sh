#!/bin/bash
# The disk limit kept by project quotas, which the guest's root file system has: the driver's tests, then a run.
# as: root
. /mnt/tests/vm/guest/lib.sh
own_leaf || echo "not ok quota as $VM_AS: a leaf below the delegated group"
cases quota /mnt/bin/test_quota

. /mnt/tests/e2e/lib.sh
E2E_PREFIX="quota as $VM_AS: "
P=$T/hello

hello "$P"
server_start
want 0 project add "$P"

t "one that copes goes on"
new_run -p hello --review none --on-failure discard --disk 4MiB --cmd 'head -c 3000000 /dev/zero >a; head -c 3000000 /dev/zero >b; sleep 1; rm a b; echo done >ok'
ended "$R" succeeded

t "one that fills it fails, and says of what"
new_run -p hello --review none --on-failure discard --disk 4MiB --cmd 'head -c 3000000 /dev/zero >a && head -c 3000000 /dev/zero >b || exit 3'
ended "$R" failed disk_exceeded
eq "exit code" "$(field "$R" '.steps[0].exit_code')" 3
server_stop
finish
