#!/bin/bash
# full_disk - the disk of the project is full in the midst of an apply: a clear end, and the project is as before.
. "$(dirname "$0")/lib.sh"
P=$T/small
if [ "$(id -u)" != 0 ] || ! mkdir "$P" || ! mount -t tmpfs -o size=4m,mode=755 none "$P" 2>"$T/err"; then
    t "a full disk"
    skip "no file system of its own can be mounted here"
    finish
fi
trap 'code=$?; umount -l "$P" 2>/dev/null; (exit $code); on_exit' EXIT
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

end_case
server_stop
umount "$P"
finish
