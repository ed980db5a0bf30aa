#!/bin/bash
# user_jobs - main_job.sh, doors.sh and some of real_projects.sh once more, by an ordinary user: no capability, no group, nothing of root's.
. "$(dirname "$0")/lib.sh"
ID=64321

t "the same as an ordinary user"
if [ "$(id -u)" != 0 ]; then
    skip "we are one: the other scripts have shown it"
    finish
fi
# The build may lie where only root may look: the programs, the scripts and the example are copied.
mkdir -p "$T/user/bin/src/daemon" "$T/user/bin/src/shim" "$T/user/tests" "$T/user/tmp"
cp "$SALLYPORT" "$T/user/bin/src/daemon/"
cp "${SALLYPORT_SHIM:-$(dirname "$SALLYPORT")/../shim/sallyport-shim}" "$T/user/bin/src/shim/"
cp -r "$HERE" "$T/user/tests/e2e"
cp -r "$ROOT/examples" "$T/user/"
chmod 755 "$T"
chown -R $ID:$ID "$T/user"
as_user() { # COMMAND...
    (cd "$T/user" && setpriv --reuid=$ID --regid=$ID --clear-groups --inh-caps=-all env -u SALLYPORT_SHIM -u E2E_ROOT \
        HOME="$T/user" TMPDIR="$T/user/tmp" SALLYPORT="$T/user/bin/src/daemon/sallyport" "$@")
}
as_user "$T/user/bin/src/daemon/sallyport" doctor >"$T/out" 2>&1 </dev/null
RC=$?
if [ "$RC" = 16 ] && grep -q '^ *absent *user namespace' "$T/out"; then
    skip "an ordinary user may not make user namespaces on this host (sallyport doctor names the fix)"
    finish
fi
eq "doctor" "$RC" 0
for script in main_job doors; do
    as_user E2E_PREFIX="as a user: " timeout 500 "tests/e2e/$script.sh" </dev/null || fail "$script.sh: exit status $?"
done
as_user E2E_PREFIX="as a user: " REAL_PROJECTS="hello sortedcontainers node" timeout 500 tests/e2e/real_projects.sh </dev/null ||
    fail "real_projects.sh: exit status $?"
eq "left by the user" "$(ls -A "$T/user/tmp")" ""
finish
