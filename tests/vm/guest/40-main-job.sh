#!/bin/bash
# tests/e2e/main_job.sh, whole, against the packaged unit: the server is systemd's, not the script's child.
# as: root agent
export E2E_PREFIX="main job as $VM_AS: " E2E_LAUNCH=/mnt/tests/vm/guest/launch
exec /mnt/tests/e2e/main_job.sh
