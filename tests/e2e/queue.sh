#!/bin/bash
# queue.sh - the queue through CLI and API: priorities, pauses, drain, limits, quotas, tries; 200 runs under limits that an
# observer never sees exceeded.
. "$(dirname "$0")/lib.sh"

# A shim that cannot start while $T/broken is there.
SHIM=${SALLYPORT_SHIM:-$(dirname "$SALLYPORT")/../shim/sallyport-shim}
cat >"$T/shim" <<EOS
#!/bin/sh
[ ! -e "$T/broken" ] || exit 1
exec "$SHIM" "\$@"
EOS
chmod +x "$T/shim"
export SALLYPORT_SHIM=$T/shim
E2E_ERRORS_OK='sandbox'
start() { server_start --workers 4 --shim-nursery=false --retries 2 --retry-delay 300ms --retry-delay-max 600ms --quota-queued 3 "$@"; }

q() { "$SALLYPORT" queue --json </dev/null 2>/dev/null | jq -r "$1"; }
item() { q ".items[] | select(.run_id == \"$1\") | $2"; }
item_is() { [ "$(item "$1" "$2")" = "$3" ]; }
metric() { curl -s "$(base)/metrics" | sed -n "s/^sallyport_$1 //p"; }
started() { field "$1" '.steps[0].started_at'; }

mkdir "$T/one" "$T/two"
start
want 0 project add "$T/one"
want 0 project add "$T/two"

t "paused: runs are accepted and wait, say why, outlive a kill, and can be canceled"
want 0 queue pause --note "moving house"
has "$T/out" paused
new_run -p one --review none --cmd true
W=$R
new_run -p one --review none --cmd true
C=$R
eq why "$(item "$W" .waits.code)" paused
want 0 queue
has "$T/out" "moving house"
has "$T/out" "$W"
eq metric "$(metric queue_paused)" 1
server_kill9
start
eq "still paused" "$(q .node.paused)" true
want 0 queue cancel "$C"
ended "$C" canceled
eq "the other waits" "$(field "$W" .state)" queued
want 0 queue resume
ended "$W" succeeded
eq metric "$(metric queue_paused)" 0

t "a paused project holds its own runs up, and no others"
want 0 queue pause one
new_run -p one --review none --cmd true
W=$R
new_run -p two --review none --cmd true
ended "$R" succeeded
eq why "$(item "$W" .waits.code)" project_paused
want 0 queue resume one
ended "$W" succeeded

t "max_running 1: one by one, by priority, which can be changed; the limit is said"
want 0 project set one --max-running 1
has "$T/out" "at most 1 running"
new_run -p one --review none --cmd "until [ -e $T/go ]; do sleep 0.05; done"
X=$R
wait_state "$X" running
new_run -p one --review none --priority low --cmd true
A=$R
new_run -p one --review none --cmd true
B=$R
new_run -p one --review none --priority high --cmd true
C=$R
for r in "$A" "$B" "$C"; do until_ok item_is "$r" .waits.code project_limit; done
has <(item "$B" .waits.message) max_running
eq order "$(q '[.items[1:][] | .run_id] | join(" ")')" "$C $B $A"
want 0 queue priority "$A" urgent
eq "order now" "$(q '[.items[1:][] | .run_id] | join(" ")')" "$A $C $B"
want 0 show "$A"
has "$T/out" "priority    100"
want 0 cancel "$X"
ended "$X" canceled
for r in "$A" "$B" "$C"; do ended "$r" succeeded; done
[[ "$(started "$A")" < "$(started "$C")" && "$(started "$C")" < "$(started "$B")" ]] || fail "not by priority"
want 0 project set one --max-running 0

t "more than the quota: 429, nothing is stored, and the same request goes through later"
want 0 queue pause
for _ in 1 2 3; do new_run -p one --review none --cmd true; done
BODY='{"project_id":"one","review":"none","steps":[{"command":"true"}]}'
KEY=same want_api 429 POST /runs "$BODY" -D "$T/head"
eq code "$(j .error.code)" quota_exceeded
has "$T/head" Retry-After
eq runs "$(q .ready)" 3
want 6 run -d -p one --cmd true
eq refused "$(metric queue_refused_total)" 2
want 0 queue cancel "$R"
ended "$R" canceled
KEY=same want_api 202 POST /runs "$BODY"
want 0 queue resume

t "drain waits for what runs, then tells; new runs wait"
new_run -p two --review none --cmd 'sleep 1'
S=$R
wait_state "$S" running
want 6 queue drain --timeout 100ms
has "$T/err" "still in work"
new_run -p two --review none --cmd true
eq why "$(item "$R" .waits.code)" draining
want 0 queue drain
has "$T/out" "drained: nothing runs"
eq "what ran has ended" "$(field "$S" .state)" succeeded
eq "the new one waits" "$(field "$R" .state)" queued
want 0 queue resume
ended "$R" succeeded

t "what fails on the server's side is tried again, and it shows"
touch "$T/broken"
new_run -p two --review none --cmd true
until_ok item_is "$R" .waits.code delayed
eq "its error" "$(item "$R" .error.code)" sandbox_failed
[ "$(item "$R" .failures)" -ge 1 ] || fail "no failure is counted"
[ "$(item "$R" .available_at)" != null ] || fail "the next try is not told"
rm "$T/broken"
ended "$R" succeeded
[ "$(metric queue_retries_total)" -ge 1 ] || fail "no retry in the metrics"
want 0 audit --run "$R"
has "$T/out" run.retried

t "tried often enough, the run ends with the true reason"
touch "$T/broken"
new_run -p two --review none --cmd true
ended "$R" failed sandbox_failed
eq "steps say why" "$(field "$R" '.steps[0].state')" failed
eq "given up" "$(metric queue_given_up_total)" 1
rm "$T/broken"

t "a stop with drain lets what runs end first"
server_stop
start --drain 30s
new_run -p two --review none --cmd 'sleep 1'
wait_state "$R" running
kill -TERM "$SERVER"
until_ok server_dead
SERVER=
has "$T/server.log" '"msg":"drained; 0 runs'
start
eq "it had ended" "$(field "$R" '"\(.state) \(.steps[0].attempt)"')" "succeeded $(field "$R" '.steps[0].attempt')"

t "what is wrong is refused, with its place"
want 2 run -d -p one --priority 101 --cmd true
has "$T/err" "-100 to 100"
want 2 run -d -p one --priority high2 --cmd true
want 2 queue priority "$R" ""
want 5 queue priority "$R" 1
want 4 queue priority run_00000000000000000000000000 1
want 2 queue --limit 0
want 2 queue --limit 501
has "$T/err" "limit: give 1 to 500"
want 2 queue drain --timeout soon
want 4 queue pause nowhere
want 2 project set one --max-running -1
want 2 project set one --max-running 10001
want_api 400 POST /queue/pause '{"not":1}'
want_api 400 POST /queue/resume '{"note":"x"}'
want_api 400 POST /runs '{"project_id":"one","steps":[{"command":"true"}],"priority":"7"}'
eq field "$(j .error.details.field)" priority

t "who may not, cannot steer"
want 0 token new --name reader --scope run:read --json
TOK=$(j .token)
SALLYPORT_URL=$(base) SALLYPORT_TOKEN=$TOK sp queue
eq "may look" "$RC" 0
for c in "pause" "resume" "drain -d" "priority $R 1" "pause one"; do
    # shellcheck disable=SC2086
    SALLYPORT_URL=$(base) SALLYPORT_TOKEN=$TOK sp queue $c
    eq "queue $c" "$RC" 3
done
server_stop

t "200 runs: limits of projects and of the tenant are never exceeded, and each run ends"
SALLYPORT_QUOTA_QUEUED=0 server_start --workers 8 --rate 0 --project-max-running 3 --quota-running 5
mkdir "$T/three"
want 0 project add "$T/three"
want 0 project set one --max-running 1
python3 "$HERE/queue_stress.py" "$(base)" "$(token)" one=1 two=3 three=3 5 200 >"$T/stress" 2>&1 || fail "limits"
sed 's/^/# /' "$T/stress"
finish
