#!/bin/bash
# git - git inside a step: status, commit, stash, branches and worktrees work; what they write into .git stays inside, is
# shown as refused, and the files they changed are applied like any others.
. "$(dirname "$0")/lib.sh"
P=$T/hello
hello "$P"
server_start --workers 2
want 0 project add "$P"
tree_keep "$P" start

step() { # COMMAND...: one run, to its changes
    new_run -p hello "$@"
    wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
    wait_state "$R" "awaiting_apply $FINAL"
    eq steps "$(field "$R" '[.steps[].state] | unique | join(" ")')" succeeded
    want 0 logs "$R"
}

t "the repository is the step's own, and nothing in it looks changed"
step --cmd 'git status --porcelain; git config core.checkStat; git log --oneline; echo "uid $(id -u) $(stat -c %u .git)"'
eq "what git says" "$(sed 's/^[0-9a-f]\{7,\} /X /' "$T/out" | head -n 2 | tr '\n' ' ')" "minimal X start "
eq "one owner" "$(awk '/^uid/ {print ($2 == $3)}' "$T/out")" 1
state_is "$R" succeeded || want 0 discard "$R"

t "commit, stash, branch, worktree"
step --cmd 'echo "// more" >> hello.c && git commit -qam "say more" && git log --format="%an <%ae>" -1 && git log --oneline | wc -l' \
    --cmd 'echo x >> greet.c && git stash -q && git stash list && git diff --stat && git stash pop -q && git diff --stat' \
    --cmd 'git checkout -qb side && git branch --list && git worktree add -q /tmp/other HEAD~1 && tail -n 1 /tmp/other/hello.c' \
    --cmd 'git checkout -q -- greet.c && git tag v1 && git gc -q && git fsck && git status --porcelain && echo clean'
has "$T/out" "stash@{0}: WIP on main"
has "$T/out" "* side"
eq "who, commits, at the end" "$(sed -n '1p;2p;$p' "$T/out" | tr '\n' ' ')" "agent <agent@sallyport.invalid> 2 clean "

t "the commit stays inside; its file is a change, .git is refused"
want 0 diff "$R" --json
eq "files to apply" "$(j '[.items[] | select(.refused | not) | .path] | join(" ")')" hello.c
eq "refused" "$(j '[.items[] | select(.refused) | .path | split("/")[0]] | unique | join(" ")')" .git
want 0 apply "$R"
ended "$R" succeeded
eq "the last line" "$(tail -n 1 "$P/hello.c")" "// more"
eq "commits outside" "$(git -C "$P" log --oneline | wc -l)" 1
eq "branches outside" "$(git -C "$P" branch --list | tr -d ' ')" "*main"
eq "git outside sees the change" "$(git --no-optional-locks -C "$P" status --porcelain)" " M hello.c"
want 0 undo "$R" --yes
tree_undone "$P" start

t "hooks and configuration that a step plants are shown, and never run outside"
step --cmd "printf '#!/bin/sh\ntouch $T/pwned\n' > h && chmod +x h && cp h .git/hooks/pre-commit && cp h .git/hooks/post-checkout; rm h" \
    --cmd "git config core.fsmonitor 'touch $T/pwned'; echo y >> greet.c"
want 0 diff "$R" --json
for f in .git/hooks/pre-commit .git/config; do
    eq "$f" "$(jq --arg f "$f" '[.items[] | select(.path == $f and .refused)] | length' "$T/out")" 1
done
want 0 apply "$R"
ended "$R" succeeded
git -C "$P" status >"$T/out" 2>&1
git -C "$P" commit -qam "with no hook" && git -C "$P" checkout -q --detach
gone "$T/pwned"
finish
