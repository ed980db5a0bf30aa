#!/bin/bash
# The packaged unit as it is installed: hard limits by delegation, and steps that live on while the server is restarted,
# replaced and killed.
# as: root agent
REAL_HOME=$HOME
. /mnt/tests/e2e/lib.sh
E2E_PREFIX="service as $VM_AS: "
if [ "$VM_AS" = root ]; then
    ctl() { systemctl "$@"; }
    DATA=/var/lib/sallyport
else
    ctl() { systemctl --user "$@"; }
    DATA=$REAL_HOME/.local/share/sallyport
fi
ln -s "$DATA" "$T/data"
export SALLYPORT_DATA=$DATA
P=$T/hello

up() { [ -s "$DATA/address" ] && [ "$(curl -s -o "$T/readyz" -w '%{http_code}' --max-time 20 "$(base)/readyz")" = 200 ]; }
main_pid() { ctl show -P MainPID sallyport; }
fresh() { [ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$1" ] && up; }
ctl_ok() {
    ctl "$@" >"$T/ctl" 2>&1 && return 0
    fail "systemctl $*: $(cat "$T/ctl")"
    ctl status --no-pager -l -n 20 sallyport sallyport-sandboxes 2>&1 | sed 's/^/#   | /'
}
# What the server itself measures: `sallyport doctor` would speak of this shell.
limits_hard() {
    want_api 200 GET /doctor
    eq "weaker than hard" "$(j '[.checks[] | select(.level != "hard" and (.name | startswith("limit")) and .name != "limit disk") | .name] | join(", ")')" ""
    eq "memory" "$(j '.checks[] | select(.name == "limit memory") | .detail')" "cgroup v2"
}

t "the packaged unit starts and is ready"
hello "$P"
ctl_ok start sallyport
until_ok up || cat "$T/readyz"
want 0 project add "$P"
tree_keep "$P" start

t "systemd gives up a server that does not start only where a person has to mend it"
eq "bound on its starts" "$(ctl show -P StartLimitIntervalUSec sallyport)" 0
eq "exit codes that are for a person" "$(ctl show -P RestartPreventExitStatus sallyport)" 78

t "doctor says that every limit is hard, but for the disk"
limits_hard

t "no system directory and no project is covered by a mount of the sandbox's"
new_run -p hello --review none --cmd 'echo x > new; ls'
ended "$R" succeeded
! grep -E " $P| /var/lib/sallyport" /proc/self/mountinfo || fail "a mount of the sandbox is on the host"
want 0 undo "$R" -y
tree_undone "$P" start

t "memory: the kernel kills what is over the limit"
new_run -p hello --review none --on-failure discard --memory 64MiB --cmd 'head -c 400M /dev/zero | tail -c 300M | wc -c; exit 9'
ended "$R" failed
eq "told as out of memory" "$(field "$R" '.steps[0].oom_killed')" true
sp logs "$R"
cat "$T/err" >>"$T/out"
has "$T/out" "the kernel killed a process"

t "cpu: a fifth of a processor is what two busy loops get"
new_run -p hello --review none --on-failure discard --cpus 0.2 --timeout 6s --cmd 'while :; do :; done & while :; do :; done'
ended "$R" failed step_timeout
cpu=$(field "$R" '.steps[0].cpu_ms')
[ "$cpu" -lt 2500 ] || fail "$cpu ms of processor time in 6 to 8 s"
[ "$cpu" -gt 100 ] || fail "only $cpu ms of processor time: was nothing run?"

t "pids: a step gets no more processes than its limit"
new_run -p hello --review none --on-failure discard --pids 16 --cmd 'for i in $(seq 40); do sleep 5 & done; wait'
wait_state "$R" "$FINAL"
sp logs "$R"
has "$T/err" "fork"

lines() { new_run -p hello --review none --cmd 'for i in $(seq 40); do echo line $i; sleep 0.3; done'; }
step_gone() { ! pgrep -f 'for i in .*seq 40' >/dev/null; }
went_on() { # RUN: ended well, nothing twice, nothing lost
    ended "$1" succeeded
    want 0 logs "$1"
    eq "lines" "$(grep -c '^line ' "$T/out")" 40
    eq "attempt" "$(field "$1" '.steps[0].attempt // 1')" 1
}
running() {
    until_ok state_is "$R" running
    until_ok eval "'$SALLYPORT' logs $R 2>/dev/null | grep -q 'line 3'"
    SHIM=$(cat "$DATA/runs/$R/shim/pid")
}

t "restarted after an upgrade, the step runs on under its limits and is taken up again"
lines
running
old=$(main_pid)
if [ "$VM_AS" = root ]; then # a new file in the old one's place, as dpkg does it
    cp --remove-destination /usr/local/bin/sallyport "$T/new" && mv "$T/new" /usr/local/bin/sallyport
fi
ctl_ok restart sallyport
until_ok fresh "$old"
kill -0 "$SHIM" || fail "the shim did not live on"
eq "state" "$(field "$R" .state)" running
went_on "$R"

t "killed, it is started again, and the step runs on"
lines
running
old=$(main_pid)
[ "$old" = 0 ] || kill -9 "$old"
until_ok fresh "$old"
kill -0 "$SHIM" || fail "the shim did not live on"
went_on "$R"

t "after that the limits are as hard as before"
limits_hard
new_run -p hello --review none --on-failure discard --memory 64MiB --cmd 'head -c 400M /dev/zero | tail -c 300M | wc -c; exit 9'
ended "$R" failed
eq "told as out of memory" "$(field "$R" '.steps[0].oom_killed')" true

t "stopped while a step runs: the step's end is there when it is started again"
lines
running
ctl_ok stop sallyport
kill -0 "$SHIM" || fail "the shim did not live on"
until_ok step_gone
ctl_ok start sallyport
until_ok up
went_on "$R"

t "stopping the unit of the sandboxes ends what runs in them, and nothing is left of it"
lines
running
ctl_ok stop sallyport sallyport-sandboxes
until_ok gone_pid "$SHIM"
eq "groups" "$(find /sys/fs/cgroup -name 'sallyport*.service')" ""
ctl_ok start sallyport
until_ok up
wait_state "$R" "$FINAL awaiting_apply"
case $(field "$R" '.steps[0].state') in failed | lost) ;; *) fail "the step did not end" ;; esac
limits_hard
tree_undone "$P" start
ctl_ok stop sallyport sallyport-sandboxes
finish
