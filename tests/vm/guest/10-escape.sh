#!/bin/bash
# The escape suite and the sandbox driver's own tests, with hard limits by delegation.
# as: root agent
. /mnt/tests/vm/guest/lib.sh
own_leaf || echo "not ok escape as $VM_AS: a leaf below the delegated group"

/mnt/bin/test_escape /mnt/bin/attempts >/tmp/escape.$VM_AS 2>&1
sed -n "s/^pass \(.*\)/ok escape as $VM_AS: \1/p; s/^FAIL \(.*\)/not ok escape as $VM_AS: \1/p; s/^     /#   /p" /tmp/escape.$VM_AS
grep -q '^pass' /tmp/escape.$VM_AS || { echo "not ok escape as $VM_AS: runs"; sed 's/^/# /' /tmp/escape.$VM_AS; }

CMOCKA_MESSAGE_OUTPUT=TAP /mnt/bin/test_sandbox >/tmp/driver.$VM_AS 2>&1
sed -n "s/^ok [0-9]* - \(.*\)/ok driver as $VM_AS: \1/p; s/^not ok [0-9]* - \(.*\)/not ok driver as $VM_AS: \1/p" /tmp/driver.$VM_AS
grep -q '^not ok' /tmp/driver.$VM_AS && grep -v '^ok' /tmp/driver.$VM_AS | sed 's/^/# /'
grep -q '^ok' /tmp/driver.$VM_AS || { echo "not ok driver as $VM_AS: runs"; sed 's/^/# /' /tmp/driver.$VM_AS; }
