#!/bin/bash
# seed - a project whose runs work on a copy: directories from the project can be renamed, the doors stay the same.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

at_second_door() { # COMMAND...: one step each
    local c args=()
    for c in "$@"; do args+=(--cmd "$c"); done
    new_run -p hello "${args[@]}"
    wait_state "$R" awaiting_review && want 0 approve "$R"
    wait_state "$R" "awaiting_apply $FINAL"
    eq state "$(field "$R" .state)" awaiting_apply
    want 0 diff "$R" --json
    cp "$T/out" "$T/changes"
}
kinds() { jq -r '[.items[] | select(.refused == null) | "\(.kind) \(.path)"] | join(", ")' "$T/changes"; }
RENAME='git mv lib core && python3 -c "import os; os.rename(\"docs/old\", \"docs/new\")" && mv docs papers'

umask 022
hello "$P"
mkdir -p "$P/lib/deep" "$P/docs/old"
echo l >"$P/lib/l"
echo d >"$P/lib/deep/d"
echo o >"$P/docs/old/o"
echo one >"$P/linked"
ln "$P/linked" "$P/other-name"
truncate -s 64M "$P/sparse"
echo end >>"$P/sparse"
mkdir "$P/locked" && echo in >"$P/locked/in" && chmod 555 "$P/locked"
mkfifo "$P/fifo"
python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$P/socket"
git -C "$P" add lib docs && git -C "$P" commit -qm more
server_start --workers 2
want 0 project add "$P"

t "an overlay says EXDEV to the rename of a directory that comes from the project; mv copes"
eq "default" "$("$SALLYPORT" project show hello --json | jq -r '.settings.seed // "overlay"')" overlay
new_run -p hello --cmd 'git mv lib core'
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
eq "step" "$(field "$R" '.steps[0].state')" failed
want 0 logs "$R"
cat "$T/err" >>"$T/out"
has "$T/out" "cross-device"
ended "$R" failed step_failed
at_second_door 'mv lib core'
eq "changes" "$(kinds)" "added core/deep/d, added core/l, deleted lib, deleted lib/deep/d, deleted lib/l"
want 0 discard "$R"

t "the setting can be changed, and says what it takes"
want 2 project set hello --seed fast
want 2 project set hello
want 0 project set hello --seed copy
has "$T/out" "works on a copy"
want_api 400 PUT /projects/hello/settings '{"seed":"x"}'
want_api 404 PUT /projects/nobody/settings '{"seed":"copy"}'
want_api 200 PUT /projects/hello/settings '{"seed":"copy"}'
eq "seed" "$(j .settings.seed)" copy
mkdir "$T/second"
want 0 project add "$T/second" --seed copy
eq "seed" "$("$SALLYPORT" project show second --json | jq -r .settings.seed)" copy

t "on a copy git mv, os.rename and mv of directories work, over several steps"
tree_keep "$P" start
at_second_door "$RENAME" 'echo more >> core/l; test -p fifo; test ! -e socket; test "$(stat -c %h linked)" = 2' \
    'chmod u+w locked; echo changed > locked/in; chmod 555 locked; touch sparse; test "$(stat -c %b sparse)" -lt 1000'
eq "seed of the run" "$(field "$R" .seed)" copy
eq "steps" "$(field "$R" '[.steps[].state] | unique | join(" ")')" succeeded
eq "changes" "$(kinds)" "added core/deep/d, added core/l, deleted docs, deleted docs/old/o, deleted lib, deleted lib/deep/d, \
deleted lib/l, modified locked/in, added papers/new/o"
jq -e '.items[] | select(.path == ".git/index" and .refused)' "$T/changes" >/dev/null || fail "the index is not shown as refused"
tree_same "$P" start
want 0 apply "$R"
ended "$R" succeeded
artifacts_ok "$R"
eq "moved and changed" "$(tail -n 1 "$P/core/l")" more
eq "locked" "$(cat "$P/locked/in") $(stat -c %a "$P/locked")" "changed 555"
gone "$P/lib"
there "$P/papers/new/o"
want 0 undo "$R" -y
tree_same "$P" start

t "what was done to the project meanwhile is a conflict, and what the run did not touch is none"
at_second_door 'echo run > lib/l; rm docs/old/o; echo new > fresh'
echo mine >"$P/lib/l"
echo mine >"$P/lib/deep/d"
want 15 apply "$R"
field "$R" '.apply.conflicts[].path' >"$T/out"
eq "conflicts" "$(cat "$T/out")" "lib/l"
want 0 apply "$R" docs/old/o fresh
ended "$R" succeeded
eq "mine" "$(cat "$P/lib/l" "$P/lib/deep/d" | tr '\n' ' ')" "mine mine "
gone "$P/docs/old/o"
want 0 undo "$R" -y

t "the disk limit counts what the run adds, not what was copied"
head -c 3000000 /dev/urandom >"$P/big"
new_run -p hello --disk 2MiB --cmd 'head -c 1000000 /dev/urandom > a' --cmd \
    'i=0; while :; do head -c 200000 /dev/urandom > "f$i"; i=$((i+1)); sleep 0.02; done'
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
eq "first" "$(field "$R" '.steps[0].state')" succeeded
eq "second" "$(field "$R" '.steps[1].state')" failed
field "$R" '.steps[1].error' >"$T/out"
has "$T/out" "limit of"
eq "reason" "$(field "$R" '.reason.code')" disk_exceeded
want 0 cancel "$R"

t "a server that dies during the run finds the copy again"
at_second_door 'echo 1 > kept-one'
new_run -p hello --cmd 'echo one > one; sleep 3; mv lib lib2' --cmd 'cat one'
wait_state "$R" awaiting_review && want 0 approve "$R"
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
server_kill9
server_start --workers 2
wait_state "$R" "awaiting_apply $FINAL"
eq "steps" "$(field "$R" '[.steps[].state] | unique | join(" ")')" succeeded
want 0 apply "$R"
ended "$R" succeeded
there "$P/lib2/l"
for r in $("$SALLYPORT" runs --state awaiting_apply --json | jq -r '.items[].id'); do want 0 discard "$r"; done
finish
