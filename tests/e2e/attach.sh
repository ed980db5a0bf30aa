#!/bin/bash
# attach - steps with a terminal, at the real command line: what is typed arrives once and in order, whatever happens to
# the server; what the step writes comes back; the person's terminal is left as it was.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
export SALLYPORT
P=$T/hello

drive() { # CASE ARG...
    timeout 150 python3 "$HERE/attach.py" "$@" || fail "attach.py $1"
}

# open COMMAND [RUN OPTION ...]: a run of it with a terminal, approved; its id is in $R, its step's in $S
open() {
    local command=$1
    shift
    new_run -p hello --review plan --pty --cmd "$command" "$@"
    wait_state "$R" awaiting_review
    want 0 approve "$R"
    until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
    S=$(field "$R" '.steps[0].id')
}
SHELL_STEP="PS1='\$ ' exec bash --norc --noprofile -i"

close() { # RUN: ends the shell in it
    printf 'exit\n' | timeout 60 "$SALLYPORT" attach "$1" >/dev/null 2>&1
    wait_state "$1" "$FINAL"
}

hello "$P"
server_start --workers 4
want 0 project add "$P"

t "keys, size, Ctrl-C and the exit code are the step's"
open "$SHELL_STEP"
drive type "$R"
wait_state "$R" "$FINAL"

t "~. leaves; the step goes on, and who comes back sees what was there"
open "$SHELL_STEP"
want 0 show "$R"
has "$T/out" "sallyport attach $R 1"
drive leave "$R"
t "--read-only watches, and types nothing"
drive read_only "$R"
t "signals end it, with the terminal as it was"
drive signal "$R"
if command -v vim >/dev/null && command -v less >/dev/null; then
    t "programs that draw on the whole screen"
    drive full_screen "$R"
fi
close "$R"

t "run -t: both doors and the terminal in one command"
drive run_tty -p hello --cmd "$SHELL_STEP"
eq "what was written by hand" "$(cat "$P/by-hand")" "by hand"
want 0 artifacts last report.md
has "$T/out" "With a terminal"

t "a pipe is typed, then its end; the output is the step's, the exit code too"
open "cat; exit 3"
printf 'one\ntwo' | timeout 60 "$SALLYPORT" attach "$R" 1 >"$T/out" 2>"$T/err"
eq "exit code" "$?" 3
has "$T/out" "one"
has "$T/out" "two"
open "$SHELL_STEP"
echo 'echo $((40+2))' | timeout 60 "$SALLYPORT" attach "$R" >"$T/out" 2>"$T/err"
eq "exit code" "$?" 0
has "$T/out" "42"

t "1 MiB through a pipe into cat comes back whole"
seq 1 200000 | head -c 1048576 >"$T/paste"
echo >>"$T/paste"
open "stty -echo -onlcr; cat"
timeout 100 "$SALLYPORT" attach "$R" <"$T/paste" >"$T/out" 2>"$T/err"
eq "exit code" "$?" 0
cmp "$T/out" "$T/paste" || fail "it is not the same"

t "the server killed -9 again and again while somebody types: every line once and in order"
open "stty -echo; echo ready; exec cat"
export TYPING=$T/typing
timeout 140 python3 "$HERE/attach.py" numbers "$R" 300 >"$T/numbers" 2>&1 &
TYPIST=$!
until_ok test -e "$TYPING"
for i in 1 2 3 4 5; do
    sleep "0.$((RANDOM % 9 + 1))"
    gone_pid "$TYPIST" && break
    server_kill9
    server_start --workers 4
done
wait "$TYPIST" || {
    fail "the typist: $(cat "$T/numbers")"
}
wait_state "$R" "$FINAL"
want 0 logs "$R"
tr -d '\r' <"$T/out" | grep -v ready >"$T/got"
seq 1 300 | cmp - "$T/got" || fail "the log has not each line once"

t "two people type at once: every line of each arrives once, whole"
open "stty -echo; echo ready; exec cat"
drive two "$R" 40
wait_state "$R" "$FINAL"

t "kill -9 of the shim: attach ends with 19, and nothing is left"
open "$SHELL_STEP"
drive kill_shim "$R" "$(cat "$T/data/runs/$R/shim/pid")"
ended "$R" failed lost

t "a step that never reads: bounded, said, and can be left"
open "stty raw -echo; echo ready; sleep 1000"
drive never_reads "$R"
want_api 200 GET "/steps/$S"
[ "$(j .terminal.accepted)" -le 262144 ] || fail "it holds $(j .terminal.accepted) bytes"
want 0 cancel "$R"
wait_state "$R" "$FINAL"

t "steps without a terminal, and ended ones, are refused in words"
new_run -p hello --review none --cmd 'sleep 3'
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
S=$(field "$R" '.steps[0].id')
want 5 attach "$R"
has "$T/err" "no terminal"
want 5 attach "$R" 1
has "$T/err" "has no terminal"
want 4 attach "$R" 2
want_api 409 POST "/steps/$S/input" '{"offset":0,"text":"x"}'
has "$T/out" "nothing on its stdin"
want_api 409 POST "/steps/$S/resize" '{"cols":80,"rows":24}'
wait_state "$R" "$FINAL"
new_run -p hello --review none --pty --cmd "exit 4"
wait_state "$R" "$FINAL"
S=$(field "$R" '.steps[0].id')
want 5 attach "$R" 1
want_api 409 POST "/steps/$S/input" '{"offset":0,"text":"x"}'
want 2 attach "$R" --json
want 2 run -p hello -t "an intent"
want 2 run -p hello -t -d --cmd bash

t "where no second door follows, only who may open it types"
want 0 token new --name typist --scope run:write --json
TYPIST=$(j .token)
typed() { # PATH BODY
    curl -sS -o "$T/out" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $TYPIST" -H "Content-Type: application/json" \
        --data-binary "$2" "$(base)/api/v1/steps/$S/$1" 2>"$T/err"
}
open "read -r line; echo got \$line"
eq "typed without approve" "$(typed input '{"offset":0,"text":"mine\n"}')" 403
has "$T/out" "needs the scope approve"
eq "the size" "$(typed resize '{"cols":90,"rows":30}')" 200
want_api 200 POST "/steps/$S/input" '{"offset":0,"text":"theirs\n"}'
wait_state "$R" "$FINAL"
want 0 logs "$R"
has "$T/out" "got theirs"
new_run -p hello --review effects --pty --cmd "read -r line; echo got \$line"
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
S=$(field "$R" '.steps[0].id')
eq "typed before the second door" "$(typed input '{"offset":0,"text":"mine\n"}')" 200
wait_state "$R" "awaiting_apply $FINAL"
want 0 logs "$R"
has "$T/out" "got mine"

t "who typed how much is audited, what was typed is nowhere"
open "read -r secret; echo ok"
want_api 200 POST "/steps/$S/input" '{"offset":0,"text":"quite-private-words"}'
want_api 200 POST "/steps/$S/input" '{"offset":19,"text":"\n"}'
wait_state "$R" "$FINAL"
want_api 200 GET "/runs/$R/audit"
eq "attached" "$(j '[.items[] | select(.action == "terminal.attached")] | length')" 1
eq "bytes" "$(j '.items[] | select(.action == "terminal.input") | "\(.data.bytes) \(.data.total)"')" "20 20"
want 0 audit export -o "$T/audit.jsonl"
hasnt "$T/audit.jsonl" "quite-private"
hasnt "$T/server.log" "quite-private"
strings "$T/data/sallyport.db" "$T/data/sallyport.db-wal" | grep -q quite-private && fail "it is in the database"
want 0 audit verify
finish
