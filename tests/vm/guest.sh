#!/bin/bash
# guest.sh - inside the guest: runs tests/vm/guest/*.sh, each in a delegated unit of its own, as the users it names.
#
# A script says who runs it by a line "# as: root agent" (the system's manager, the user's, or one after the other); it
# finds that name in VM_AS. It prints "ok NAME", "not ok NAME" or "skip NAME # reason", and has VM_TIMEOUT seconds.
# /mnt is the second disk: tests/, examples/, bin/ (test programs), stage/ (what `make install` puts into a machine).
set -u
cp -a /mnt/stage/. /
systemctl daemon-reload
loginctl enable-linger agent
systemctl start user@1000.service
mount -t tmpfs -o mode=1777 tmp /tmp
echo "# guest: kernel $(uname -r), $(systemctl --version | head -n 1), up after $(cut -d' ' -f1 /proc/uptime) s"

run_as() { # USER SCRIPT
    local unit=(--quiet --pipe --wait --collect --property=Delegate=yes --property="RuntimeMaxSec=${VM_TIMEOUT:-600}"
        --setenv=VM_AS="$1" --setenv=SALLYPORT=/usr/local/bin/sallyport --setenv=E2E_WAIT=150 --setenv=TEST_SLOW=4 --setenv=TMPDIR=/var/tmp
        --setenv=SALLYPORT_SHIM=/usr/local/libexec/sallyport/sallyport-shim)
    if [ "$1" = root ]; then
        systemd-run "${unit[@]}" bash "$2"
    else
        runuser -u "$1" -- env XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user "${unit[@]}" bash "$2"
    fi
}

only=$(sed -n 's/^.*\bvm\.only=\([^ ]*\).*$/\1/p' /proc/cmdline)
for script in /mnt/tests/vm/guest/*.sh; do
    name=$(basename "$script" .sh)
    for who in $(sed -n 's/^# as: //p' "$script"); do
        case $name:$who in $only*) ;; *) continue ;; esac
        start=$SECONDS
        run_as "$who" "$script" </dev/null
        status=$?
        [ $status = 0 ] || echo "not ok $name as $who: ends with 0, not $status"
        echo "# $name as $who: $((SECONDS - start)) s"
    done
done
echo "# the guest is done"
