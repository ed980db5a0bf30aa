#!/bin/bash
# full_disk - the disk of the project is full in the midst of an apply: a clear end, and the project is as before. The disk
# of the data directory is nearly full: new runs are refused, the others go on; full to the last byte: nothing that was
# accepted is lost, nothing lies, and all goes on by itself when there is room.
. "$(dirname "$0")/lib.sh"
P=$T/small
if [ "$(id -u)" != 0 ] || ! mkdir "$P" || ! mount -t tmpfs -o size=4m,mode=755 none "$P" 2>"$T/err"; then
    t "a full disk"
    skip "no file system of its own can be mounted here"
    finish
fi
trap 'code=$?; umount -l "$P" 2>/dev/null; umount -l "$T/data" 2>/dev/null; (exit $code); on_exit' EXIT
mkdir "$P/sub"
echo was >"$P/aaa"
echo gone >"$P/sub/gone"
echo last >"$P/zzz"
server_start --workers 2
want 0 project add "$P" --seed copy

full() { # COMMAND: its changes do not fit
    new_run -p small --cmd "$1"
    wait_state "$R" awaiting_review && want 0 approve "$R"
    wait_state "$R" "awaiting_apply $FINAL"
    eq state "$(field "$R" .state)" awaiting_apply
    sp apply "$R"
    [ "$RC" != 0 ] || fail "an apply without room succeeded"
    wait_state "$R" "awaiting_apply $FINAL"
    eq "applied" "$(field "$R" .apply.applied)" false
    field "$R" '.reason | "\(.code): \(.message)"' >"$T/out"
    has "$T/out" "storage_full: rolled back: write a file: No space left on device"
}

t "few files: nothing is applied, the reason is named, the project is as before"
tree_keep "$P" start
full 'echo is > aaa; head -c 6000000 /dev/zero | tr "\0" x > big; rm -r sub; echo is > zzz'
tree_undone "$P" start

t "many files: the same"
full 'echo is > aaa; rm -r sub; for i in $(seq 100); do head -c 100000 /dev/zero | tr "\0" x > "f$i"; done; echo is > zzz'
tree_undone "$P" start

t "what has room is applied afterwards"
want 0 run -p small --yes --cmd 'echo is > aaa'
eq "aaa" "$(cat "$P/aaa")" is

# ---- the disk of the data directory ----------------------------------------------

end_case
server_stop
umount "$P"
rm -rf "$T/data"
mkdir "$T/data"
mount -t tmpfs -o size=64m,nr_inodes=9000,mode=700 none "$T/data" || exit 1
hello "$T/hello"
E2E_ERRORS_OK='No space left\|disk is full\|storage_full\|database or disk is full'

free_bytes() { echo $(($(stat -fc '%a * %S' "$T/data"))); }
# leave BYTES: a file takes the rest
leave() {
    rm -f "$T/data/ballast"
    head -c $(($(free_bytes) - $1)) /dev/zero >"$T/data/ballast" 2>/dev/null
}
# to the last byte, whatever the server frees meanwhile; its reserve is gone too, unless: leave_nothing reserve
leave_nothing() {
    leave 0
    [ -n "${1-}" ] || rm -f "$T/data/reserve"
    cat /dev/zero >>"$T/data/ballast" 2>/dev/null
    for n in 1 2 3; do head -c 4096 /dev/zero >>"$T/data/ballast" 2>/dev/null; done
}
make_room() { rm -f "$T/data/ballast"; }
go() { # COMMAND: a run of it, approved; its id is in $R
    new_run -p hello --review plan --cmd "$1"
    wait_state "$R" awaiting_review && want 0 approve "$R"
}
readyz() { curl -s -o "$T/readyz" -w '%{http_code}' --max-time 10 "$(base)/readyz"; }
readyz_is() { [ "$(readyz)" = "$1" ]; }
metric_is() { curl -s --max-time 10 "$(base)/metrics" | grep -q "^sallyport_$1 $2\$"; }
accepted() { "$SALLYPORT" run -d -p hello --cmd true </dev/null >"$T/out" 2>"$T/err"; }

server_start --workers 6 --min-free 8MiB --retention-every 500ms --retention-compress-after 0
want 0 project add "$T/hello"
until_ok readyz_is 200

t "nearly full: new runs are refused with the reason, everybody is told, and what was accepted goes on"
go 'echo begun; sleep 6; echo ended'
SLOW=$R
until_ok state_is "$SLOW" running
leave 4000000
sp run -d -p hello --cmd true
eq "exit code" "$RC" 6
has "$T/err" "min_free"
want_api 507 POST /runs '{"project_id":"hello","steps":[{"command":"true"}]}'
eq code "$(j .error.code)" disk_full
until_ok readyz_is 503
has "$T/readyz" "min_free"
until_ok metric_is disk_full 1
want 0 runs
has "$T/err" "refuses new runs"
want 0 retention
has "$T/out" "disk: full"
make_room
until_ok readyz_is 200
until_ok accepted
until_ok metric_is disk_full 0
quiet() { sp runs && ! grep -q "refuses new runs" "$T/err"; }
until_ok quiet
ended "$SLOW" succeeded
want 0 logs "$SLOW"
eq "its log" "$(xargs <"$T/out")" "begun ended"

t "no more files can be made: the same, however many bytes are free"
mkdir "$T/data/names"
(cd "$T/data/names" && seq $(($(stat -fc %d .) - 900)) | xargs touch)
want_api 507 POST /runs '{"project_id":"hello","steps":[{"command":"true"}]}'
eq code "$(j .error.code)" disk_full
until_ok readyz_is 503
has "$T/readyz" "more files"
rm -r "$T/data/names"
until_ok readyz_is 200
until_ok accepted

t "full to the last byte while a step writes: it goes on, and its log says how much is missing, and where"
go 'i=0; while [ $i -lt 80 ]; do printf "%01999d\n" $i; i=$((i+1)); sleep 0.1; done; exit 3'
until_ok state_is "$R" running
sleep 1.5
leave_nothing
sleep 3
eq "state on a full disk" "$(field "$R" .state)" running
make_room
ended "$R" failed step_failed
eq "exit code" "$(field "$R" '.steps[0].exit_code')" 3
eq "bytes it wrote" "$(field "$R" '.steps[0].stdout_bytes')" 160000
eq truncated "$(field "$R" '.steps[0].log_truncated')" true
want_api 200 GET "/steps/$(field "$R" '.steps[0].id')/log?limit=16000000" "" -H "Accept: application/json"
j '[.items[] | select(.stream == "stdout") | .text] | add' | tr -d '\n' | wc -c >"$T/got"
missing=$(j '[.items[] | select(.stream == "system") | .text | capture("(?<n>[0-9]+) bytes of output are missing").n | tonumber] | add')
[ "${missing:-0}" -gt 0 ] 2>/dev/null || fail "nothing is missing: $missing"
eq "kept and missing" "$(($(j '[.items[] | select(.stream == "stdout") | .text] | add | length') + missing))" 160000
[ "$(j '[.items[] | select(.stream == "stdout")] | last | .text')" = "$(printf '%01999d' 79)" ] || fail "the last line is not there"

t "full to the last byte when steps end, doors are answered and runs finish: each waits for room, and ends as it should"
for i in 1 2 3 4; do
    go "sleep 3; echo $i > new$i; exit $i"
    ENDS[i]=$R
done
for i in 5 6 7 8; do
    new_run -p hello --cmd "echo $i"
    wait_state "$R" awaiting_review
    ENDS[i]=$R
done
until_ok state_is "${ENDS[4]}" running
leave_nothing
for i in 5 6 7 8; do
    sp approve "${ENDS[i]}"
    case $RC in 0) ;; 6) has "$T/err" "disk" ;; *) fail "approve on a full disk: exit code $RC" && said ;; esac
done
want 0 runs
sleep 4
leave_nothing
sleep 1
make_room
for i in 5 6 7 8; do
    [ "$(field "${ENDS[i]}" .state)" != awaiting_review ] || want 0 approve "${ENDS[i]}"
done
for i in 1 2 3 4 5 6 7 8; do
    r=${ENDS[i]}
    wait_state "$r" "$FINAL awaiting_apply"
    [ "$(field "$r" .state)" != awaiting_apply ] || want 0 discard "$r"
    wait_state "$r" "$FINAL"
    case "$(field "$r" '"\(.state) \(.reason.code) \(.steps[0].exit_code)"')" in
    "failed step_failed $i" | "rejected changes_discarded $i") [ $i -le 4 ] || fail "run $i failed" ;;
    "succeeded null 0") [ $i -gt 4 ] || fail "run $i succeeded" ;;
    *) fail "run $i: $(field "$r" '"\(.state) \(.reason.code) \(.reason.message) \(.steps[0].state) \(.steps[0].exit_code)"')" ;;
    esac
    artifacts_ok "$r"
done
want 0 audit verify

t "killed and started on a full disk: its reserve lets it start; with room again all goes on"
new_run -p hello --cmd 'echo later'
wait_state "$R" awaiting_review
until_ok test -s "$T/data/reserve"
server_kill9
leave_nothing reserve
server_start --workers 2 --min-free 8MiB --retention-every 500ms
until_ok readyz_is 503
eq "state" "$(field "$R" .state)" awaiting_review
server_stop
gone "$T/data/reserve"
leave_nothing
timeout 10 "$SALLYPORT" serve --listen 127.0.0.1:0 --log-format json --min-free 8MiB >"$T/start.log" 2>&1 </dev/null
case $? in
124) ;; # it ran until it was stopped: there was room in its log
6 | 74) grep -qi "full\|no space" "$T/start.log" || fail "it does not say why: $(tail -3 "$T/start.log")" ;;
*) fail "it ended otherwise: $(tail -3 "$T/start.log")" ;;
esac
make_room
server_start --workers 2 --min-free 8MiB --retention-every 500ms
want 0 approve "$R"
ended "$R" succeeded
artifacts_ok "$R"
want 0 audit verify
end_case
server_stop
umount "$T/data"
finish
