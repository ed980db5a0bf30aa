#!/bin/bash
# faults - the main job with one failure in it, again and again: see faults.py, which does all of it.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
if ! grep -aq SPFAULT1 "$SALLYPORT" || grep -aq __tsan_init "$SALLYPORT"; then
    skip "no build with fault points" # a skip without a case has no name: the one of faults.py
    FINISHED=1
    echo "skip ${E2E_PREFIX:-}every failure of a call ends in a clear error or a retry # needs -Dfaults=true, and not TSan"
    exit 0
fi
export T
SALLYPORT_SHIM=${SALLYPORT_SHIM:-$(dirname "$SALLYPORT")/../shim/sallyport-shim}
export SALLYPORT_SHIM
FINISHED=1
python3 "$HERE/faults.py" | sed -u "s/^\(ok\|not ok\) /\1 ${E2E_PREFIX:-}/"
exit "${PIPESTATUS[0]}"
