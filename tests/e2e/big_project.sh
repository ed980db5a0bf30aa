#!/bin/bash
# big_project - 100,000 files below: a run that changes three of them shows exactly these three, and reads no others.
. "$(dirname "$0")/lib.sh"
P=$T/big
# Hashing 100,000 files again and again would be most of this script: mode, time, size and name tell here.
tree() { (cd "$1" && find . -type f -printf '%m %T@ %s %P\n' | LC_ALL=C sort); }

mkdir "$P"
(
    cd "$P" || exit 1
    for d in $(seq -w 0 99); do
        mkdir "d$d"
        seq 1 1000 | split -l 1 -a 3 - "d$d/f"
    done
)
server_start --workers 2
want 0 project add "$P" --name big

t "a project of 100,000 files is added"
eq "files" "$(find "$P" -type f | wc -l)" 100000
tree_keep "$P" start

t "a run that changes, adds and removes one file each shows these three and nothing else"
new_run -p big --cmd 'echo changed > d00/faaa && echo new > d50/new && rm d99/fbml'
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
want 0 diff "$R" --json
eq "changes" "$(j '[.items[] | "\(.kind) \(.path)"] | join(", ")')" "modified d00/faaa, added d50/new, deleted d99/fbml"
tree_same "$P" start

t "apply and undo touch these three only"
want 0 apply "$R"
ended "$R" succeeded
eq "changed" "$(cat "$P/d00/faaa")" changed
gone "$P/d99/fbml"
want 0 undo "$R" --yes
tree_undone "$P" start
finish
