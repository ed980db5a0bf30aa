#!/bin/bash
# soak - the short form of `make soak`: runs of every kind, the server killed at random and at named points, then every promise
# checked; and observations falsified, to see that the checks see. About a minute where the build has fault points, else nothing.
# sanitizers: yes
# alone: yes
ROOT=${E2E_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
: "${SALLYPORT:?}" "${SALLYPORT_BUILD:?}"
if ! grep -qa 'sallyport: dies at' "$SALLYPORT"; then
    echo "skip ${E2E_PREFIX:-}soak # the build has no fault points"
    exit 0
fi
if grep -qa __tsan_init "$SALLYPORT"; then
    echo "skip ${E2E_PREFIX:-}soak # too slow with a thread sanitizer"
    exit 0
fi
LOG=$(mktemp "${TMPDIR:-/tmp}/sallyport-soak-log.XXXXXX")
trap 'rm -f "$LOG"' EXIT
BAD=0
one() { # NAME ARG...
    local name=$1
    shift
    if SOAK_CLEAN=1 "$ROOT/tests/soak/soak.py" "$SALLYPORT_BUILD" "$@" >"$LOG" 2>&1; then
        echo "ok ${E2E_PREFIX:-}$name: $(tail -n 1 "$LOG")"
    else
        sed 's/^/# /' "$LOG" | cut -c1-400
        echo "not ok ${E2E_PREFIX:-}$name"
        BAD=1
    fi
}
one "the soak notices what is falsified" --self-test
one "40 kills" --kills "${SOAK:-40}" --runs 60 --subscribers 24
exit $BAD
