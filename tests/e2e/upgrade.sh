#!/bin/bash
# upgrade - a server of another version takes over while runs are live: shims that are older, newer, or too far away to be
# spoken to, and a package that is replaced under a living server. No step is killed, lost or run twice, no line is missing.
. "$(dirname "$0")/lib.sh"
P=$T/hello
NOW=$SALLYPORT
PEERS=${SALLYPORT_BUILD:?}/tests/sandbox # tests/sandbox/meson.build
SHIM=$T/shim                             # replaced as a package would: renamed over

install_shim() {
    cp "$1" "$SHIM.new" && mv "$SHIM.new" "$SHIM"
}
export SALLYPORT_SHIM=$SHIM
OURS=$(find "$SALLYPORT_BUILD/src/shim" -name sallyport-shim -type f)

# from SERVER SHIM: what runs now; to SERVER SHIM kill9|stop: what comes after it
from() {
    SALLYPORT=$1
    install_shim "$2"
    server_start --workers 4
}
to() {
    install_shim "$2"
    case $3 in kill9) server_kill9 ;; stop) server_stop ;; esac
    SALLYPORT=$1
    server_start --workers 4
}

LINES=30
numbered() { echo "for i in \$(seq 1 $LINES); do echo line \$i; echo LINE \$i >&2; sleep 0.08; done; echo $1 >> $1"; }
once() { # FILE WORD
    eq "lines \"$2\" of ${1##*/}" "$(sed -n "s/^$2 //p" "$1" | tr '\n' ' ')" "$(seq 1 $LINES | tr '\n' ' ')"
}
step_is() { [ "$(field "$1" ".steps[$2].state")" = "$3" ]; }
shim_of() { cat "$T/data/runs/$1/shim/pid"; }
attempts() { field "$1" '[.steps[].attempt] | join(" ")'; }

# live PREFIX: a run of two steps whose first is under way, one that will be canceled, one at the second door
live() {
    new_run -p hello --review none --cmd "$(numbered "$1")" --cmd "cat $1; echo two; exit 0"
    A=$R
    new_run -p hello --review none --cmd 'echo begun; sleep 1000 & sleep 1001'
    B=$R
    new_run -p hello --review effects --on-failure discard --cmd "echo door > door.$1"
    D=$R
    for r in "$A" "$B"; do
        until_ok step_is "$r" 0 running
        until_ok test -s "$T/data/runs/$r/shim/pid"
    done
    wait_state "$D" awaiting_apply
    until_ok eval "'$NOW' logs $A 2>/dev/null </dev/null | grep -q 'line 3'"
    SHIM_A=$(shim_of "$A")
}
lived() {
    kill -0 "$SHIM_A" || fail "the shim did not live on"
    "$NOW" logs "$A" -f >"$T/follow.out" 2>"$T/follow.err" </dev/null &
    FOLLOW=$!
    want 0 cancel "$B"
    ended "$B" canceled
    ended "$A" succeeded
    eq "attempts" "$(attempts "$A")" "1 1"
    wait "$FOLLOW"
    once "$T/follow.out" line
    once <(grep -v ^sallyport "$T/follow.err") LINE
    want 0 logs "$A"
    has "$T/out" two
    eq "effects" "$(cat "$P/$1")" "$1"
    want 0 apply "$D"
    ended "$D" succeeded
    artifacts_ok "$A"
    artifacts_ok "$B"
    want 0 run -p hello --review none --cmd 'echo afterwards'
}

hello "$P"
t "an upgrade: shims of version 1 are adopted by a newer server, and take its next steps"
from "$PEERS/server-of-1" "$PEERS/shim-of-1"
want 0 project add "$P"
live first
to "$NOW" "$OURS" stop
lived first

t "the same after a kill -9"
server_stop
from "$PEERS/server-of-1" "$PEERS/shim-of-1"
live killed
to "$NOW" "$OURS" kill9
lived killed

t "the way back: shims of a newer version are adopted by an older server"
server_stop
from "$NOW" "$PEERS/shim-of-3"
live back
to "$PEERS/server-of-1" "$PEERS/shim-of-1" kill9
lived back

t "a package that is replaced under a living server: its nursery and its next shims are newer than itself"
server_stop
from "$PEERS/server-of-1" "$PEERS/shim-of-1"
live under
install_shim "$OURS"
kill -9 "$(pgrep -P "$SERVER" -f -- --nursery)" || fail "no nursery"
until_ok eval "! pgrep -P $SERVER -f -- --nursery >/dev/null"
want 0 run -p hello --review none --cmd 'echo newer'
has "$T/out" newer
lived under
# and the other way round: the server first
to "$NOW" "$PEERS/shim-of-1" stop
want 0 run -p hello --review none --cmd 'echo older'
has "$T/out" older

t "no common version: the step is waited for and its end is taken from its record, the next has a sandbox of its own"
server_stop
from "$NOW" "$OURS"
live far
: >"$T/server.log"
to "$PEERS/server-of-9only" "$PEERS/shim-of-9only" kill9
lived far
has "$T/server.log" "cannot be spoken to"

t "no common version, and its step ended meanwhile, or its shim is killed"
server_stop
from "$NOW" "$OURS"
new_run -p hello --review none --on-failure discard --cmd 'sleep 0.7; exit 7'
A=$R
new_run -p hello --review none --on-failure discard --cmd 'sleep 1000'
B=$R
until_ok step_is "$A" 0 running
until_ok step_is "$B" 0 running
until_ok test -s "$T/data/runs/$B/shim/pid"
server_kill9
sleep 1
to "$PEERS/server-of-9only" "$PEERS/shim-of-9only" none
ended "$A" failed step_failed
eq "exit code" "$(field "$A" '.steps[0].exit_code')" 7
kill -9 "$(shim_of "$B")"
ended "$B" failed lost
eq "attempts" "$(attempts "$A") $(attempts "$B")" "1 1"
until_ok nothing_left

t "sallyport and sallyport-shim too far apart: no run starts, and it says why"
install_shim "$OURS"
server_stop
server_start
want 16 run -p hello --review none --cmd 'echo never'
has "$T/out" "install both again"
SALLYPORT=$NOW
finish
