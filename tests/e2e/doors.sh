#!/bin/bash
# doors - the second door under hostile and odd effects: conflicts, .git, links that lead outside, setuid, odd names,
# binaries, modes, deletions; and diff.patch makes the same tree by git's own hand.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

hello "$P"
printf 'keep\n' >"$P/keep.txt"
printf 'a\nb\nc\n' >"$P/edit.txt"
printf '\0\1\2\3binary' >"$P/image.bin"
mkdir "$P/old" && echo x >"$P/old/one" && echo y >"$P/old/two"
echo '#!/bin/sh' >"$P/tool.sh"
git -C "$P" add -A && git -C "$P" commit -qm more
server_start --workers 2
want 0 project add "$P"

# step SHELL: a run of this one step, at the second door
step() {
    printf '%s\n' "$1" >"$T/body.sh"
    want_api 202 POST /runs "$(jq -n --arg c "$1" '{project_id: "hello", review: "effects", steps: [{command: $c}]}')"
    R=$(j .id)
    wait_state "$R" "awaiting_approval awaiting_apply $FINAL"
    if state_is "$R" awaiting_approval; then
        want_api 200 GET "/approvals?run_id=$R&state=pending"
        want_api 200 POST "/approvals/$(j '.items[0].id')" '{"decision": "allow"}'
        wait_state "$R" "awaiting_apply $FINAL"
    fi
    want_api 200 GET "/runs/$R/changes"
    cp "$T/out" "$T/changes.json"
}
refused() { jq -r --arg p "$1" '.items[] | select(.path == $p) | .refused // "-"' "$T/changes.json"; }

t "every kind of change is listed, and git makes the same tree from diff.patch"
step 'echo "a
B
c" > edit.txt; printf "\0new\1binary" > image.bin; chmod +x tool.sh; rm -r old; mkdir -p new/deep && echo hi > new/deep/file
ln -s keep.txt link; : > empty; printf "no newline" > bare; mv keep.txt kept.txt'
want_api 200 GET "/runs/$R/diff"
cp "$T/out" "$T/all.patch"
eq "kinds" "$(jq -r '[.items[] | "\(.kind):\(.path)"] | join(" ")' "$T/changes.json")" \
    "added:bare modified:edit.txt added:empty modified:image.bin deleted:keep.txt added:kept.txt added:link added:new/deep/file deleted:old deleted:old/one deleted:old/two mode:tool.sh"
cp -a "$P" "$T/by-git"
(cd "$T/by-git" && git apply --allow-empty "$T/all.patch") >"$T/out" 2>"$T/err" || { fail "git refuses diff.patch" && said; }
tree_keep "$P" start
want 0 apply "$R"
ended "$R" succeeded
diff -r --no-dereference -x .git "$P" "$T/by-git" >"$T/out" 2>&1 || { fail "git's tree is another" && said; }
eq "mode" "$(stat -c %a "$P/tool.sh")" "$(stat -c %a "$T/by-git/tool.sh")"

t "undo brings all of it back"
want 0 undo "$R" --yes
tree_undone "$P" start

t "odd names: blanks, newline, leading dash, not UTF-8, quotes"
step 'echo 1 > "a b"; echo 2 > "n
l"; echo 3 > ./-dash; echo 4 > "$(printf "b\377d")"; echo 5 > "q\"uote\\"'
eq "named" "$(jq '.items | length' "$T/changes.json")" 5
want_api 200 GET "/runs/$R/diff"
cp "$T/out" "$T/odd.patch"
cp -a "$P" "$T/odd"
(cd "$T/odd" && git apply "$T/odd.patch") >"$T/out" 2>"$T/err" || { fail "git refuses the odd names" && said; }
want 0 apply "$R"
ended "$R" succeeded
diff -r -x .git "$P" "$T/odd" >"$T/out" 2>&1 || { fail "git's tree is another" && said; }
want 0 undo "$R" --yes
tree_undone "$P" start

t "hooks, git config, setuid bits and links that lead outside are shown and never applied"
tree_keep "$P" start
step 'mkdir -p .git/hooks sub/.GIT; echo "touch /tmp/owned" > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit
git config core.fsmonitor /tmp/x; echo x > sub/.GIT/config; ln -s /etc/passwd abs; ln -s ../../up up; cp /bin/true suid; chmod 4755 suid
mkfifo pipe; echo fine > fine.txt'
for f in .git/hooks/pre-commit .git/config sub/.GIT/config abs up suid pipe; do
    case $(refused "$f") in "" | -) fail "$f is not refused" ;; esac
done
eq "what is fine" "$(refused fine.txt)" "-"
want_api 400 POST "/runs/$R/apply" '{"paths": [".git/hooks/pre-commit"]}'
want_api 400 POST "/runs/$R/apply" '{"paths": ["nosuch"]}'
want_api 400 POST "/runs/$R/apply" '{"paths": ["../../etc/passwd"]}'
want 0 apply "$R"
ended "$R" succeeded
there "$P/fine.txt"
for f in .git/hooks/pre-commit sub/.GIT abs up suid pipe; do
    gone "$P/$f"
done
! grep -q fsmonitor "$P/.git/config" || fail "git config was written"
artifacts_ok "$R"
has "$T/artifact.report.md" "refused"
want 0 undo "$R" --yes
tree_undone "$P" start

t "a conflict is found before the first byte is written, and the run comes back to the second door"
step 'echo mine > edit.txt; echo mine > kept.txt'
sleep 0.05
echo "yours" >"$P/edit.txt"
tree_keep "$P" yours
want 15 apply "$R"
wait_state "$R" awaiting_apply
tree_same "$P" yours
want 0 show "$R" --json
eq "conflict named" "$(j '.apply.conflicts[0].path')" edit.txt
want 0 discard "$R"
ended "$R" rejected
tree_same "$P" yours
git -C "$P" checkout -q edit.txt

t "apply by file takes these and leaves the others"
step 'echo 1 > one; echo 2 > two; echo 3 > edit.txt'
want 0 apply "$R" one edit.txt
ended "$R" succeeded
there "$P/one"
gone "$P/two"
eq "edited" "$(cat "$P/edit.txt")" 3
want 0 undo "$R" --yes
gone "$P/one"

t "undo names what moved on since, and changes nothing"
step 'echo applied > moved.txt; echo applied > other.txt'
want 0 apply "$R"
ended "$R" succeeded
A=$R
echo "edited by hand" >"$P/moved.txt"
tree_keep "$P" hand
want 15 undo "$A" --yes
tree_same "$P" hand

t "a symlink that a run swapped in for a directory is not followed by a later apply"
step 'rm -r old; ln -s ../elsewhere old; true'
case $(refused old) in "" | -) fail "the link is not refused" ;; esac
want 0 discard "$R"
ended "$R" rejected
finish
