#!/bin/bash
# many_changes - a run that makes, rewrites and removes thousands of files: shown, applied by choice and whole, taken
# back; what each phase took, and how much memory of the server, is printed.
# MANY is the number of changes (5,000); by hand: MANY=100000 E2E_WAIT=300.
. "$(dirname "$0")/lib.sh"
MANY=${MANY:-5000}
DIRS=$((MANY / 1000)) # of 600 new files, of 200 that are rewritten, of 200 that are removed
RSS_MAX=${RSS_MAX:-$((100 + MANY / 1000 * 3 / 2))} # MiB: the list of changes is in memory, contents are not
P=$T/many
# Mode, time, size and name tell here; to hash so many files again and again would be most of this script.
tree() { (cd "$1" && find . \( -type f -printf 'f %m %T@ %s %P\n' -o -printf '%y %m %P\n' \) | LC_ALL=C sort); }
now_ms() { date +%s%3N; }
phase() { # NAME: what came before it ends
    local end hwm
    end=$(now_ms)
    hwm=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$SERVER/status")
    [ -z "${PHASE:-}" ] || echo "# $PHASE: $((end - BEGAN)) ms, peak of the server $hwm MiB"
    [ "$hwm" -le "$RSS_MAX" ] || fail "the server took $hwm MiB, more than $RSS_MAX"
    echo 5 2>/dev/null >"/proc/$SERVER/clear_refs" # the peak begins anew
    PHASE=$1 BEGAN=$(now_ms)
}
quiet() { # want 0 sallyport ARG..., without reading what it printed
    "$SALLYPORT" "$@" >"$T/out" 2>"$T/err" </dev/null || {
        fail "sallyport $1: exit code $?"
        said
    }
}

mkdir "$P"
(
    cd "$P" || exit 1
    for ((d = 0; d < DIRS; d++)); do
        mkdir -p "old/d$d" "gone/d$d"
        seq 200 | split -l 1 -a 3 - "old/d$d/f"
        seq 200 | split -l 1 -a 3 - "gone/d$d/f"
    done
    echo kept >kept
)
server_start --workers 2
want 0 project add "$P" --name many
tree_keep "$P" start

t "$MANY changes come to the second door"
new_run -p many --cmd "for d in \$(seq 0 $((DIRS - 1))); do
    mkdir -p new/d\$d && seq 600 | split -l 1 -a 3 - new/d\$d/f
    seq 200 | sed 's/^/changed /' | split -l 1 -a 3 - old/d\$d/f
    rm gone/d\$d/f*
done"
wait_state "$R" awaiting_review
phase "run and list of changes"
quiet approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
eq files "$(field "$R" .changes.files)" "$MANY"
eq refused "$(field "$R" .changes.refused)" 0
tree_same "$P" start

t "the list is whole"
phase "the list over HTTP"
want_api 200 GET "/runs/$R/changes"
eq "kinds" "$(j '[.items[].kind] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" \
    "added $((DIRS * 600)), deleted $((DIRS * 200)), modified $((DIRS * 200))"
phase "the list on the command line"
quiet diff "$R" --json
eq "items" "$(j '.items | length')" "$MANY"
phase "the diff"
want_api 200 GET "/runs/$R/diff"
eq "parts" "$(grep -ac '^diff --git ' "$T/out")" "$MANY"

t "one directory and hundreds of files by name are applied, nothing else, and undo takes them back"
phase "apply of a choice"
names=()
for i in $(find "$P/old/d1" -type f -printf '%P ' | tr ' ' '\n' | sort); do names+=("old/d1/$i"); done
quiet apply "$R" -q new/d0 gone/d2 "${names[@]}"
ended "$R" succeeded
eq "applied" "$(field "$R" .apply.files)" 1000
eq "new files" "$(find "$P/new" -type f | wc -l)" 600
eq "removed" "$(find "$P/gone/d2" -type f | wc -l)" 0
eq "rewritten" "$(cat "$P/old/d1/faaa")" "changed 1"
eq "not chosen" "$(cat "$P/old/d2/faaa")" 1
phase "undo of a choice"
quiet undo "$R" --yes
tree_same "$P" start

t "the whole of it is applied"
phase "run again"
new_run -p many --cmd "for d in \$(seq 0 $((DIRS - 1))); do
    mkdir -p new/d\$d && seq 600 | split -l 1 -a 3 - new/d\$d/f
    seq 200 | sed 's/^/changed /' | split -l 1 -a 3 - old/d\$d/f
done; rm -r gone"
wait_state "$R" awaiting_review && quiet approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
phase "apply of all"
quiet apply "$R" -q
ended "$R" succeeded
eq "new files" "$(find "$P/new" -type f | wc -l)" $((DIRS * 600))
eq "rewritten" "$(cat "$P/old/d0/faaa" "$P/old/d$((DIRS - 1))/fahr")" $'changed 1\nchanged 200'
gone "$P/gone"
eq "kept" "$(cat "$P/kept")" kept

t "and taken back"
phase "undo of all"
quiet undo "$R" --yes
tree_same "$P" start
phase end
finish
