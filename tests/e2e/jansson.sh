#!/bin/bash
# jansson - a real repository: Debian's source of jansson, configured, built and tested in the sandbox; discarded, then
# applied and undone. The tree is compared by content, mode, owner, link target and time.
. "$(dirname "$0")/lib.sh"
P=$T/jansson

# The system's own apt lists stay as they are: a list of sources of our own, in a directory of our own.
fetch() {
    local apt=$T/apt
    mkdir -p "$apt/lists/partial" "$apt/parts" "$apt/src"
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$apt/parts/src.sources"
    else
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$apt/parts/src.list"
    fi
    set -- -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists" \
        -o APT::Sandbox::User=root
    (cd "$apt/src" && apt-get "$@" update && apt-get "$@" source --download-only jansson) >"$T/apt.log" 2>&1 &&
        dpkg-source -x "$apt"/src/jansson_*.dsc "$P" >>"$T/apt.log" 2>&1 &&
        rm -rf "$apt"
}

if ! fetch; then
    t "Debian's source of jansson can be fetched"
    fail "$(tail -n 3 "$T/apt.log")"
    finish
fi
server_start --workers 2
want 0 project add "$P" --name jansson
tree_keep "$P" start

job() { # ARG...: the whole build, its plan approved
    new_run -p jansson --cmd "autoreconf -fi" --cmd "./configure --disable-static" --cmd "make -j2" --cmd "make check" --timeout 5m "$@"
    wait_state "$R" awaiting_review && want 0 approve "$R"
    WAIT=300 wait_state "$R" "awaiting_apply $FINAL"
}

t "configure, make and make check of jansson succeed in the sandbox, the tree untouched"
job
eq state "$(field "$R" .state)" awaiting_apply
eq steps "$(field "$R" '[.steps[].state] | join(" ")')" "succeeded succeeded succeeded succeeded"
tree_same "$P" start
want 0 logs "$R"
has "$T/out" "PASS: run-suites"
has "$T/out" "# FAIL:  0"

t "its changes and diff.patch are what the build made"
want 0 diff "$R" --json
cp "$T/out" "$T/changes.json"
eq "added config.status" "$(jq '[.items[] | select(.path == "config.status" and .kind == "added")] | length' "$T/changes.json")" 1
eq "added library" "$(jq '[.items[] | select(.path | test("libjansson\\.so\\.4\\.[0-9.]+$"))] | length' "$T/changes.json")" 1
eq "only additions of sources' neighbours" "$(jq '[.items[] | select(.kind == "deleted")] | length' "$T/changes.json")" 0
[ "$(jq .files "$T/changes.json")" -gt 100 ] || fail "only $(jq .files "$T/changes.json") files"

t "discard leaves the tree untouched, and the run has its report and artifacts"
want 0 discard "$R"
ended "$R" rejected changes_discarded
tree_same "$P" start
artifacts_ok "$R"
has "$T/artifact.report.md" "make check"
has "$T/artifact.report.md" "config.status"

t "git takes diff.patch and makes the same tree as the build"
cp -a "$P" "$T/patched"
(cd "$T/patched" && git init -q && git apply --allow-empty "$T/artifact.diff.patch") >"$T/out" 2>"$T/err" || {
    fail "git apply refuses the patch"
    said
}
there "$T/patched/config.status"

t "apply puts the build into the tree, undo restores it exactly"
job
want 0 apply "$R"
ended "$R" succeeded
there "$P/config.status"
want 0 undo "$R" --yes
tree_undone "$P" start
finish
