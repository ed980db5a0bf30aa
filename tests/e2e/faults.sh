#!/bin/bash
# faults - the main job with one failure in it, again and again: see faults.py, which does all of it.
# sanitizers: yes
# alone: yes
. "$(dirname "$0")/lib.sh"
if ! grep -aq SPFAULT1 "$SALLYPORT" || grep -aq __tsan_init "$SALLYPORT"; then
    FINISHED=1
    echo "skip ${E2E_PREFIX:-}every failure of a call ends in a clear error or a retry # needs -Dfaults=true, and no TSan"
    exit 0
fi
export T
[ -n "${FAULTS_ALL:-}${FAULTS_ONLY:-}" ] || export FAULTS_SEED="${FAULTS_SEED:-1}" # the same choice at every check
SALLYPORT_SHIM=${SALLYPORT_SHIM:-$(dirname "$SALLYPORT")/../shim/sallyport-shim}
export SALLYPORT_SHIM
FINISHED=1
python3 "$HERE/faults.py" | sed -u "s/^\(ok\|not ok\) /\1 ${E2E_PREFIX:-}/"
exit "${PIPESTATUS[0]}"
