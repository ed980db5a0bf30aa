#!/bin/bash
# crash_points - deaths at named points (src/base/crash_points.def) that once made a run lie. `make soak` found them; here each is
# told on its own. Without fault points in the build there is nothing to do.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

if ! grep -qa 'sallyport: dies at' "$SALLYPORT"; then
    FINISHED=1
    echo "skip ${E2E_PREFIX:-}deaths at named points # the build has no fault points"
    exit 0
fi

# dies POINT:N: the server that runs is stopped, the next one dies there
dies() {
    server_stop
    export SALLYPORT_FAULT=kill@$1
    server_start --workers 2
    unset SALLYPORT_FAULT
}
died() {
    until_ok server_dead
    has "$T/server.log" "dies at $1:"
    SERVER=
    server_start --workers 2
}

hello "$P"
server_start --workers 2
want 0 project add "$P"

t "a person denies a step, and the server dies before the run is ended for it: it is ended, not carried on"
new_run -p hello --review none --cmd 'curl --version >/dev/null 2>&1; true' --cmd 'echo never > never.txt'
wait_state "$R" awaiting_approval
dies after_commit.gate:1
want 0 approvals --json
want 0 deny "$(j '.items[0].id')"
died after_commit.gate
ended "$R" failed approval_denied
eq "steps" "$(field "$R" '[.steps[].state] | join(" ")')" "denied skipped"
gone "$P/never.txt"

t "on_deny: tell goes on all the same"
want_api 202 POST /runs '{"project_id":"hello","review":"none","on_deny":"tell","steps":[
    {"command":"curl --version >/dev/null 2>&1; true"},{"command":"echo told > told.txt"}]}'
R=$(j .id)
wait_state "$R" awaiting_approval
dies after_commit.gate:1
want 0 approvals --json
want 0 deny "$(j '.items[0].id')"
died after_commit.gate
ended "$R" succeeded
there "$P/told.txt"
rm -f "$P/told.txt"

t "a probe of the sandbox that is cut off leaves its sandbox to the next"
server_stop
for n in 1 2; do
    SALLYPORT_FAULT=kill@step_sent:1 "$SALLYPORT" doctor >"$T/out" 2>"$T/err"
    has "$T/err" "dies at step_sent"
done
eq "probes left" "$(find "$T/tmp" -maxdepth 1 -name 'sallyport-probe-*' | wc -l)" 1
server_start --workers 2
eq "probes left" "$(find "$T/tmp" -maxdepth 1 -name 'sallyport-probe-*' | wc -l)" 0

t "a shim that dies when it took a step, before it said so: begun is lost, not begun is begun again"
server_stop
export SALLYPORT_SHIM_FAULT=kill@shim_step_begun:2
server_start --workers 2
new_run -p hello --review none --on-failure discard --cmd 'echo one' --cmd 'echo two'
ended "$R" failed lost
eq "steps" "$(field "$R" '[.steps[].state] | join(" ")')" "succeeded lost"
artifacts_ok "$R"
server_stop
export SALLYPORT_SHIM_FAULT=kill@shim_step_settled:1 # recorded; the next step finds nobody
server_start --workers 2
new_run -p hello --review none --cmd 'echo one' --cmd 'echo two' --cmd 'echo three'
ended "$R" succeeded
eq "attempts" "$(field "$R" '[.steps[].attempt] | join(" ")')" "1 1 1"
unset SALLYPORT_SHIM_FAULT
server_stop
server_start --workers 2

t "a step that could not be started is told so, also when the server dies before it draws the conclusion"
server_stop
export SALLYPORT_SHIM_FAULT=kill@shim_locked:1
server_start --workers 2
dies after_commit.step_done:1
"$SALLYPORT" run -d -p hello --review none --cmd 'echo never' >"$T/out" 2>"$T/err" </dev/null
R=$(grep -o 'run_[0-9A-Z]*' "$T/out")
died after_commit.step_done
ended "$R" failed sandbox_failed
unset SALLYPORT_SHIM_FAULT
server_stop
server_start --workers 2

t "a file that was being replaced leaves no temporary one"
for n in 1 2; do
    dies file_replace:$((n + 3)) # after the head's and the address of its own start
    "$SALLYPORT" run -d -p hello --review none --cmd 'echo x' >"$T/out" 2>"$T/err" </dev/null
    died file_replace
done
until_ok eval "[ \"\$('$SALLYPORT' queue --json | jq '.ready + .leased')\" = 0 ]"
eq "temporary files" "$(find "$T/data" -name '.tmp-*')" ""
finish
