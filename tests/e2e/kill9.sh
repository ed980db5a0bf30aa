#!/bin/bash
# kill9 - the server, the shim or both die by kill -9 at every stage: a run that was accepted is carried to its true end,
# no output is lost or repeated, nothing happens twice, nothing is left behind.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello
KILLS=${E2E_KILLS:-8} # random instants per loop

restart() {
    server_kill9
    server_start --workers 2
}

pause() { sleep "0.$(printf %03d $((RANDOM % $1)))"; } # up to $1 ms

LINES=60
NUMBERED="for i in \$(seq 1 $LINES); do echo line \$i; echo LINE \$i >&2; sleep 0.08; done; echo ran >> ran"

numbers() { # of stdin, for stream word $1: "1 2 3 ... "
    sed -n "s/^$1 //p" | tr '\n' ' '
}
ALL=$(seq 1 $LINES | tr '\n' ' ')

once() { # FILE WORD: every line once and in order
    eq "lines \"$2\" of ${1##*/}" "$(numbers "$2" <"$1")" "$ALL"
}

# The events of SSE text on stdin that arrived whole (an event ends with an empty line; a cut one does not count).
events() { awk '/^data: /{d = substr($0, 7)} /^$/{if (d != "") print d; d = ""}'; }
last_id() { awk '/^id: /{i = substr($0, 5)} /^$/{if (i != "") l = i; i = ""} END {print l}' "$1"; }

stream() { # RUN FILE [cursor]
    curl -sN --max-time 120 -H "Authorization: Bearer $(token)" ${3:+-H "Last-Event-ID: $3"} \
        "$(base)/api/v1/runs/$1/events" >"$2" 2>"$2.err"
}

shim_pid() { cat "$T/data/runs/$1/shim/pid"; }

seq_whole() { # RUN: event numbers without a gap, run.completed last
    want_api 200 GET "/runs/$1/events?limit=500" "" -H "Accept: application/json"
    eq "numbers of the events" "$(j '[.items[] | .seq | select(.)] | . == [range(1; length + 1)]')" true
    eq "last event" "$(j '[.items[] | select(.seq)] | last | .type')" run.completed
}

hello "$P"
server_start --workers 2
want 0 project add "$P"

# ---- while a step runs -----------------------------------------------------------

t "kill -9 of the server while a step runs: the step goes on and the next server takes it up"
KEY=idem-1 want_api 202 POST /runs \
    "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"$(printf %s "$NUMBERED")\"}]}"
R=$(j .id)
stream "$R" "$T/sse.1" &
"$SALLYPORT" logs "$R" -f >"$T/follow.out" 2>"$T/follow.err" </dev/null &
FOLLOW=$!
until_ok grep -sq '^line 5$' "$T/follow.out"
until_ok grep -sq 'line 5' "$T/sse.1"
SHIM=$(shim_pid "$R")
server_kill9
kill -0 "$SHIM" || fail "the shim died with its server"
sleep 0.5
server_start --workers 2
stream "$R" "$T/sse.2" "$(last_id "$T/sse.1")"
ended "$R" succeeded
eq "attempt" "$(field "$R" '.steps[0].attempt')" 1
want 0 logs "$R"
once "$T/out" line
once "$T/err" LINE
eq "effects" "$(cat "$P/ran")" ran
artifacts_ok "$R"
seq_whole "$R"

t "a stream resumed by its cursor has every line once, and so has logs -f that lived through it"
cat "$T/sse.1" "$T/sse.2" >"$T/sse"
for s in stdout:line stderr:LINE; do
    { events <"$T/sse.1"; events <"$T/sse.2"; } |
        jq -j "select(.type == \"step.log\" and .data.stream == \"${s%:*}\") | .data.text" >"$T/sse.${s%:*}"
    once "$T/sse.${s%:*}" "${s#*:}"
done
eq "numbers" "$({ events <"$T/sse.1"; events <"$T/sse.2"; } | jq -s '[.[] | .seq | select(.)] | . == [range(1; length + 1)]')" true
wait "$FOLLOW"
eq "exit code of logs -f" "$?" 0
once "$T/follow.out" line
once <(grep -v ^sallyport "$T/follow.err") LINE

t "the request repeated after the kill gives the same run"
KEY=idem-1 want_api 202 POST /runs \
    "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"$(printf %s "$NUMBERED")\"}]}"
eq "run" "$(j .id)" "$R"
KEY=idem-1 want_api 422 POST /runs '{"project_id":"hello","review":"none","steps":[{"command":"true"}]}'
KEY=idem-1 want_api 422 POST /runs '{"project_id":"hello","intent":"test"}'

t "the command line lives through a kill, and shows every line once"
"$SALLYPORT" run -p hello --review none --cmd "$NUMBERED" >"$T/run.out" 2>"$T/run.err" </dev/null &
FOLLOW=$!
until_ok grep -sq '| line 5$' "$T/run.out"
restart
until_ok gone_pid "$FOLLOW"
wait "$FOLLOW"
eq "exit code" "$?" 0
once <(sed -n 's/^ *[a-z]*| //p' "$T/run.out" "$T/run.err") line
once <(sed -n 's/^ *[a-z]*| //p' "$T/run.out" "$T/run.err") LINE
has "$T/run.out" "succeeded in"

t "a step that ended while no server was there counts as it ended"
new_run -p hello --review none --on-failure discard --cmd 'sleep 1; echo bye; exit 5'
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
SHIM=$(shim_pid "$R")
server_kill9
sleep 2
server_start --workers 2
ended "$R" failed step_failed
eq "exit code" "$(field "$R" '.steps[0].exit_code')" 5
want 0 logs "$R"
has "$T/out" bye
artifacts_ok "$R"

t "cancel after a kill reaches the step that was taken up"
new_run -p hello --review none --cmd 'sleep 1000 & sleep 1001'
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
restart
want 0 cancel "$R"
ended "$R" canceled
until_ok nothing_left
artifacts_ok "$R"

# ---- at the doors ------------------------------------------------------------------

t "kill -9 in review, at an open question and at the second door: all wait as before"
new_run -p hello --cmd 'echo door > door.txt'
A=$R
new_run -p hello --review none --cmd 'curl --version >/dev/null 2>&1; true'
B=$R
wait_state "$A" awaiting_review
wait_state "$B" awaiting_approval
restart
eq "state" "$(field "$A" .state)" awaiting_review
eq "state" "$(field "$B" .state)" awaiting_approval
want 0 approve "$A"
want 0 approvals --json
want 0 allow "$(j ".items[] | select(.run_id == \"$B\") | .id")"
ended "$B" succeeded
wait_state "$A" awaiting_apply
restart
eq "state" "$(field "$A" .state)" awaiting_apply
gone "$P/door.txt"
want 0 diff "$A"
has "$T/out" "+door"
want 0 apply "$A"
ended "$A" succeeded
there "$P/door.txt"
artifacts_ok "$A"
artifacts_ok "$B"
seq_whole "$A"

# ---- after a power cut -----------------------------------------------------------------

ask_later() { # ends at the question before its second step; its id is in $R
    new_run -p hello --review none --on-failure discard --cmd "$1" --cmd 'curl --version >/dev/null 2>&1; true'
    wait_state "$R" awaiting_approval
    server_kill9
    echo 6b8a6b0e-0000-4000-8000-000000000000 >"$T/data/runs/$R/layers/0.1/born" # another start of the machine
}
answer() {
    want 0 approvals --json
    want 0 allow "$(j ".items[] | select(.run_id == \"$R\") | .id")"
}

t "a run that waited for an answer while the machine was started again goes on: its layers are synced"
ask_later 'echo kept > kept.txt'
there "$T/data/runs/$R/layers/0.1/kept"
server_start --workers 2
answer
ended "$R" succeeded
eq "kept" "$(cat "$P/kept.txt")" kept
rm -f "$P/kept.txt"

t "what a step wrote before a power cut, and may not be on disk, is not built upon: the run is lost"
for seed in overlay copy; do
    want 0 project set hello --seed $seed
    ask_later 'echo torn > torn.txt'
    rm "$T/data/runs/$R/layers/0.1/kept"
    server_start --workers 2
    answer
    ended "$R" failed lost
    gone "$P/torn.txt"
    artifacts_ok "$R"
done
want 0 project set hello --seed overlay

# ---- at random instants ---------------------------------------------------------------

t "kill -9 at random instants of a run: each accepted run ends well, and its effects are there once"
rm -f "$P/count"
I=0
while [ $I -lt "$KILLS" ]; do
    I=$((I + 1))
    new_run -p hello --review none --cmd 'echo x >> count' --cmd "echo $I >> count"
    pause 120
    restart
    wait_state "$R" "$FINAL"
    eq "state of kill $I" "$(field "$R" '"\(.state) \(.reason.code // "")"')" "succeeded "
    eq "steps" "$(field "$R" '[.steps[].state] | join(" ")')" "succeeded succeeded"
    seq_whole "$R"
done
artifacts_ok "$R"
eq "count" "$(tr '\n' ' ' <"$P/count")" "$(for i in $(seq 1 "$KILLS"); do printf 'x %s ' "$i"; done)"

t "kill -9 while a request is under way: repeated with its key it makes one run, not two"
want 0 runs --json --limit 0
BEFORE=$(jq -s 'map(.items // [.]) | flatten | length' "$T/out")
I=0
while [ $I -lt "$KILLS" ]; do
    I=$((I + 1))
    (KEY=once-$I api POST /runs '{"project_id":"hello","review":"none","steps":[{"command":"true"}]}') >/dev/null 2>&1 &
    pause 30
    restart
    wait $!
    KEY=once-$I want_api 202 POST /runs '{"project_id":"hello","review":"none","steps":[{"command":"true"}]}'
    ended "$(j .id)" succeeded
done
want 0 runs --json --limit 0
eq "runs" "$(jq -s 'map(.items // [.]) | flatten | length' "$T/out")" $((BEFORE + KILLS))

t "kill -9 during apply and undo of 1,000 files: all of it is there, or all of it is back"
rm -rf "$P/count" "$P/ran" "$P/door.txt"
echo old >"$P/keep"
tree_keep "$P" start
I=0
while [ $I -lt "$KILLS" ]; do
    I=$((I + 1))
    new_run -p hello --cmd 'mkdir many; for i in $(seq 1 1000); do echo $i > many/f$i; done; echo new > keep; rm greet.h'
    wait_state "$R" awaiting_review && want 0 approve "$R"
    wait_state "$R" awaiting_apply
    want 0 apply -d "$R"
    pause 300
    restart
    ended "$R" succeeded
    eq "files" "$(find "$P/many" -type f | wc -l)" 1000
    eq "keep" "$(cat "$P/keep")" new
    gone "$P/greet.h"
    want 0 undo -y -d "$R"
    U=$(grep -o 'run_[0-9A-Z]*' "$T/out" | head -n 1)
    pause 300
    restart
    ended "$U" succeeded
    tree_undone "$P" start
    [ "$BAD" = 0 ] || break
done
artifacts_ok "$R"
artifacts_ok "$U"

# ---- the shim --------------------------------------------------------------------------

t "kill -9 of the shim: the run ends failed, lost; nothing of it lives on"
"$SALLYPORT" run -p hello --review none --on-failure discard --cmd 'echo begun; sleep 1000 & sleep 1001' \
    >"$T/run.out" 2>"$T/run.err" </dev/null &
FOLLOW=$!
until_ok grep -sq "| begun" "$T/run.out"
R=$(grep -o 'run_[0-9A-Z]*' "$T/run.out" | head -n 1)
kill -9 "$(shim_pid "$R")"
ended "$R" failed lost
eq "step" "$(field "$R" '.steps[0].state')" lost
until_ok gone_pid "$FOLLOW"
wait "$FOLLOW"
eq "exit code of run" "$?" 19
until_ok nothing_left
eq "cgroups" "$(cgroups_left)" ""
artifacts_ok "$R"
seq_whole "$R"

t "kill -9 of both, in either order"
for order in "shim server" "server shim"; do
    new_run -p hello --review none --on-failure discard --cmd 'echo begun; sleep 1000 & sleep 1001'
    until_ok eval "'$SALLYPORT' logs $R 2>/dev/null </dev/null | grep -q begun"
    SHIM=$(shim_pid "$R")
    for who in $order; do
        if [ "$who" = shim ]; then kill -9 "$SHIM"; else server_kill9; fi
    done
    server_start --workers 2
    ended "$R" failed lost
    until_ok nothing_left
    artifacts_ok "$R"
done

# The second of two steps. Its first attempt finds gate/go not there, and hangs; once it is, the next one ends.
SECOND='echo x >> tries; if [ -e gate/go ]; then go=1; else go=; fi; echo "again by $(wc -l < tries)"; [ "$go" ] || sleep 1001'
mkdir -p "$P/gate"
two_steps() { new_run -p hello --review none --on-lost retry --cmd 'echo one > one.txt' --cmd "$SECOND" "$@"; }
attempt_hangs() { # RUN ATTEMPT of the second step: the shim's pid is in $SHIM once it has written
    until_ok grep -saq again "$T/data/runs/$1/logs/1.$2.log"
    SHIM=$(shim_pid "$1")
}
attempts() { field "$1" '[.steps[] | "\(.index).\(.attempt) \(.state)"] | join(" ")'; }

t "kill -9 of the shim with on_lost: retry: the step is run again from where it first started, three times at most"
two_steps --on-failure discard
attempt_hangs "$R" 1
stream "$R" "$T/sse.1" &
kill -9 "$SHIM"
attempt_hangs "$R" 2
eq "attempts" "$(attempts "$R")" "0.1 succeeded 1.1 lost 1.2 running"
eq "counts" "$(field "$R" '.counts | "\(.steps) \(.succeeded) \(.failed)"')" "2 1 0"
gone "$T/data/runs/$R/layers/1.1"
kill -9 "$SHIM"
attempt_hangs "$R" 3
kill -9 "$SHIM"
ended "$R" failed lost
eq "attempts" "$(attempts "$R")" "0.1 succeeded 1.1 lost 1.2 lost 1.3 lost"
eq "why" "$(field "$R" .reason.message | grep -c 'attempt 3 of 3')" 1
eq "counts" "$(field "$R" '.counts | "\(.steps) \(.succeeded) \(.failed)"')" "2 1 1"
want 0 logs "$R" --step 2
eq "each attempt began where the first did" "$(tr '\n' ' ' <"$T/out")" "again by 1 again by 1 again by 1 "
until_ok nothing_left
eq "cgroups" "$(cgroups_left)" ""
artifacts_ok "$R"
seq_whole "$R"
until_ok grep -q '"run.completed"' "$T/sse.1"
eq "the stream" "$(events <"$T/sse.1" | jq -r 'select(.type == "step.log") | .data.attempt' | tr '\n' ' ')" "1 2 3 "
want 0 audit export -o "$T/audit.jsonl"
eq "the audit" "$(grep -c '"step.retried"' "$T/audit.jsonl")" 2

t "a step that is run again ends well, and what its lost attempt wrote is not applied"
two_steps
attempt_hangs "$R" 1
touch "$P/gate/go"
kill -9 "$SHIM"
ended "$R" succeeded
eq "attempts" "$(attempts "$R")" "0.1 succeeded 1.1 lost 1.2 succeeded"
eq "tries" "$(cat "$P/tries")" x
rm -f "$P/tries" "$P/one.txt" "$P/gate/go"
artifacts_ok "$R"

t "the same when the server dies with the shim, in either order"
for order in "shim server" "server shim"; do
    two_steps
    attempt_hangs "$R" 1
    touch "$P/gate/go"
    for who in $order; do
        if [ "$who" = shim ]; then kill -9 "$SHIM"; else server_kill9; fi
    done
    server_start --workers 2
    ended "$R" succeeded
    eq "attempts" "$(attempts "$R")" "0.1 succeeded 1.1 lost 1.2 succeeded"
    eq "tries" "$(cat "$P/tries")" x
    rm -f "$P/tries" "$P/one.txt" "$P/gate/go"
    artifacts_ok "$R"
    seq_whole "$R"
done

t "a step with a terminal is not run again, nor one of a run that is to be canceled"
new_run -p hello --review none --on-failure discard --on-lost retry --pty --cmd 'echo begun; sleep 1000'
until_ok grep -saq begun "$T/data/runs/$R/logs/0.1.log"
kill -9 "$(shim_pid "$R")"
ended "$R" failed lost
eq "why" "$(field "$R" .reason.message | grep -c 'it has a terminal')" 1
two_steps --on-failure discard
attempt_hangs "$R" 1
kill -STOP "$SHIM" # it can neither end the step nor say so
want 0 cancel "$R"
kill -9 "$SHIM"
ended "$R" canceled canceled_by_user
eq "steps" "$(field "$R" '.steps | length')" 2
until_ok nothing_left

t "a step that its sandbox does not take ends its run with the reason for that"
new_run -p hello --review none --on-failure discard --cmd 'echo before'
ended "$R" succeeded
LOG=$T/data/runs/$R/logs/0.1.log
new_run -p hello --review plan --on-failure discard --cmd 'echo never'
wait_state "$R" awaiting_review
mkdir -p "$T/data/runs/$R/logs"
cp "$LOG" "$T/data/runs/$R/logs/0.1.log" # as if this attempt had run already
want 0 approve "$R"
ended "$R" failed conflict
eq "why" "$(field "$R" .reason.message | grep -c 'could not be started: .*an attempt runs once')" 1

t "a shim that a killed server ordered, and that is still being born, is waited for"
# Its lock is held, and nobody answers at its control socket yet.
want 0 run -d -p hello --review plan --cmd 'echo late'
R=$(cat "$T/out")
wait_state "$R" awaiting_review
mkdir -p "$T/data/runs/$R/shim"
flock "$T/data/runs/$R/shim/lock" sleep 1 &
HOLDER=$!
until_ok eval "! flock -n '$T/data/runs/$R/shim/lock' true"
want 0 approve "$R"
wait_state "$R" "$FINAL"
ended "$R" succeeded
wait "$HOLDER"

t "runs accepted just before a kill -9 end well, whatever the server was doing for them"
for i in $(seq 1 "$KILLS"); do
    new_run -p hello --review none --cmd 'echo born'
    pause 15
    restart
    wait_state "$R" "$FINAL"
    ended "$R" succeeded
done
until_ok nothing_left

t "the store and the audit chain are whole after all that"
want 0 audit verify
want 0 audit export -o "$T/audit.jsonl"
want 0 audit verify "$T/audit.jsonl"
want 0 queue --json
eq "queue" "$(j '"\(.ready) \(.leased)"')" "0 0"
server_stop
if command -v sqlite3 >/dev/null; then
    eq "integrity" "$(sqlite3 "$T/data/sallyport.db" 'pragma integrity_check')" ok
fi
finish
