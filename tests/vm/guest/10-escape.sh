#!/bin/bash
# The escape suite and the sandbox driver's own tests, with hard limits by delegation.
# as: root agent
. /mnt/tests/vm/guest/lib.sh
own_leaf || echo "not ok escape as $VM_AS: a leaf below the delegated group"

/mnt/bin/test_escape /mnt/bin/attempts >/tmp/escape.$VM_AS 2>&1
# "soft" would be a limit that is only watched: here all are hard.
sed -n "s/^pass \([^ ]*\).*/ok escape as $VM_AS: \1/p; s/^FAIL \([^ ]*\).*/not ok escape as $VM_AS: \1/p
    s/^soft \([^ ]*\).*/not ok escape as $VM_AS: \1: hard/p; s/^     /#   /p" /tmp/escape.$VM_AS
grep -q '^pass' /tmp/escape.$VM_AS || { echo "not ok escape as $VM_AS: runs"; sed 's/^/# /' /tmp/escape.$VM_AS; }

cases planted /mnt/bin/test_planted /mnt/bin/attempts
cases driver /mnt/bin/test_sandbox
