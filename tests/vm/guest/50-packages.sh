#!/bin/bash
# What `make install` put beside the programs: units and the AppArmor profile.
# as: root
. /mnt/tests/e2e/lib.sh
E2E_PREFIX="packages: "
FILES=/usr/local/share/sallyport/apparmor
as_agent() { runuser -u agent -- env -i -C / PATH="$PATH" HOME=/home/agent XDG_RUNTIME_DIR=/run/user/1000 "$@"; }

t "systemd finds no mistake in the units"
env HOME=/root systemd-analyze verify --man=no /usr/local/lib/systemd/system/sallyport*.service >"$T/out" 2>&1 || fail "exit status $?"
empty "$T/out"
as_agent systemd-analyze --user verify --man=no \
    /usr/local/share/systemd/user/sallyport*.service >"$T/out" 2>&1 || fail "for users: exit status $?"
empty "$T/out"

t "the AppArmor profile is not where AppArmor is too old for it"
gone /etc/apparmor.d/abi/4.0
gone /etc/apparmor.d/sallyport-shim
there $FILES/sallyport-shim

# Debian 12 has AppArmor 3.0: without the abi and the rule of 4.0 the rest of the profile is the same.
sed 's,<abi/4.0>,<abi/3.0>,; /^ *userns,$/d' $FILES/sallyport-shim >"$T/profile"
t "the AppArmor profile is read, but for the rule that needs AppArmor 4"
apparmor_parser -Q -K "$T/profile" >"$T/out" 2>&1 || fail "exit status $?: $(cat "$T/out")"

t "an ordinary user's sandboxes work under the profile"
apparmor_parser -K -r "$T/profile" 2>"$T/err" || fail "load: $(cat "$T/err")"
grep -q '^sallyport-shim (unconfined)' /sys/kernel/security/apparmor/profiles || fail "the profile is not loaded"
as_agent "$SALLYPORT" doctor >"$T/out" 2>&1 || fail "doctor: exit status $?"
has "$T/out" "A sandbox can be built here."
eq "label" "$(aa-exec -p sallyport-shim -- cat /proc/self/attr/current)" "sallyport-shim (unconfined)"
apparmor_parser -K -R "$T/profile" 2>"$T/err" || fail "unload: $(cat "$T/err")"

t "the rule of AppArmor 4"
if apparmor_parser -Q -K $FILES/sallyport-shim >"$T/out" 2>&1; then
    :
else
    skip "AppArmor 3.0 knows neither abi/4.0 nor userns: $(sed 's/.* at line/line/' "$T/out" | tail -n 1)"
fi
finish
