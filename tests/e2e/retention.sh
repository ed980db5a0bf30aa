#!/bin/bash
# retention - logs of ended runs are compressed and read the same; what goes by rule says so, and nothing else goes.
. "$(dirname "$0")/lib.sh"
E2E_ERRORS_OK='the compressed log is damaged'
P=$T/hello
hello "$P"

# done_run COMMAND: approved, applied, succeeded; its id is in $R
done_run() {
    new_run -p hello --review plan --cmd "$1"
    wait_state "$R" awaiting_review && want 0 approve "$R"
    ended "$R" succeeded
}
step_of() { field "$1" '.steps[0].id'; }
logs_of() { ls "$T/data/runs/$1/logs"; }
says_gone() { [ "$(field "$1" .removed_at)" != null ]; }
packed() { [ "$(logs_of "$1")" = 0.1.log.zst ]; }

# everything a client can be given of a run's output: as a stream, in pages, raw, from offsets and cursors in between
snapshot() { # RUN DIR
    local s c
    s=$(step_of "$1")
    rm -rf "$2"
    mkdir "$2"
    api GET "/runs/$1/events" "" -H "Accept: text/event-stream"
    cp "$T/out" "$2/stream"
    for c in $(sed -n 's/^id: //p' "$2/stream" | awk 'NR % 7 == 3' | head -5); do
        api GET "/runs/$1/events?cursor=$c" "" -H "Accept: text/event-stream"
        sha256sum <"$T/out" >>"$2/resumed"
    done
    api GET "/runs/$1/events?limit=5000" "" -H "Accept: application/json"
    cp "$T/out" "$2/page"
    for c in 0 $(jq -r '[.items[] | select(.type == "step.log") | .data.offset] | .[1], .[-1]' "$2/page"); do
        api GET "/steps/$s/log?offset=$c&limit=1000000" "" -H "Accept: application/json"
        sha256sum <"$T/out" >>"$2/pages"
        api GET "/steps/$s/log?offset=$c&stream=stderr" "" -H "Accept: text/plain"
        sha256sum <"$T/out" >>"$2/raw"
    done
}

server_start --retention-compress=off
want 0 project add "$P"

t "a run with much output, text and bytes, on both streams"
done_run 'i=0; while [ $i -lt 40 ]; do seq 1000 3000; head -c 3000 /dev/urandom >&2; i=$((i+1)); done'
BIG=$R
eq "its log" "$(logs_of "$BIG")" 0.1.log
snapshot "$BIG" "$T/before"
[ "$(wc -c <"$T/before/stream")" -gt 500000 ] || fail "the stream is short"
[ -s "$T/before/resumed" ] || fail "no cursor in between"

t "compressed, every answer is the same to the byte; zstd reads it too"
cp "$T/data/runs/$BIG/logs/0.1.log" "$T/plain"
server_stop
server_start --retention-compress-after 0 --retention-every 200ms
until_ok packed "$BIG"
snapshot "$BIG" "$T/after"
diff -rq "$T/before" "$T/after" >"$T/err" || { fail "other answers"; said; }
small=$(stat -c %s "$T/data/runs/$BIG/logs/0.1.log.zst")
[ "$small" -lt $(($(stat -c %s "$T/plain") * 3 / 4)) ] || fail "hardly smaller: $small"
if command -v zstd >/dev/null; then
    zstd -dqc "$T/data/runs/$BIG/logs/0.1.log.zst" | cmp - "$T/plain" || fail "zstd reads something else"
fi
curl -s "$(base)/metrics" >"$T/out"
grep -q '^sallyport_logs_compressed_total [1-9]' "$T/out" || fail "no log was counted"
grep -q '^sallyport_data_bytes{kind="logs"} [1-9]' "$T/out" || fail "no bytes of logs"

t "killed while it compresses: the log is whole, and compressed in the end"
cp "$T/plain" "$T/data/runs/$BIG/logs/0.1.log" # both forms, as a kill between rename and removal leaves them
head -c 5000 "$T/plain" >"$T/data/runs/$BIG/logs/0.1.log.zst.tmp"
server_kill9
"${SQLITE:-sqlite3}" "$T/data/sallyport.db" 'UPDATE runs SET packed_us = 0'
server_start --retention-compress-after 0 --retention-every 200ms
until_ok packed "$BIG"
snapshot "$BIG" "$T/again"
diff -rq "$T/before" "$T/again" >"$T/err" || { fail "other answers"; said; }

t "a damaged log says so"
cp "$T/data/runs/$BIG/logs/0.1.log.zst" "$T/good"
printf X | dd of="$T/data/runs/$BIG/logs/0.1.log.zst" bs=1 seek=2000 conv=notrunc 2>/dev/null
want_api 500 GET "/steps/$(step_of "$BIG")/log"
eq code "$(j .error.code)" corrupt
cp "$T/good" "$T/data/runs/$BIG/logs/0.1.log.zst"
want_api 200 GET "/steps/$(step_of "$BIG")/log"

t "a dry run lists what would go, and nothing goes"
done_run 'echo kept'
KEPT=$R
done_run 'echo more >> README.md; echo out'
OLD=$R
want 0 runs keep "$KEPT"
eq kept "$(field "$KEPT" .kept)" true
server_stop
server_start --retention-logs 1ms --retention-every 1h
want 0 retention --dry-run --json
eq "to go" "$(j '[.actions[].run_id] | sort | join(" ")')" "$(printf '%s\n' "$BIG" "$OLD" | sort | xargs)"
eq "how" "$(j '[.actions[].what] | unique | join(" ")')" logs_removed
eq "not gone" "$(field "$OLD" .logs_removed_at)" null
want_api 200 GET "/steps/$(step_of "$OLD")/log"

t "logs go by rule, and say so: 410; the rest stays; what a person keeps stays"
want 0 retention --now --json
eq "gone" "$(j .logs_removed)" 2
for r in "$BIG" "$OLD"; do
    want_api 410 GET "/steps/$(step_of "$r")/log"
    eq code "$(j .error.code)" gone
    want_api 410 GET "/runs/$r/events" "" -H "Accept: application/json"
    [ "$(field "$r" .logs_removed_at)" != null ] || fail "it does not say since when"
    gone "$T/data/runs/$r/logs"
    artifacts_ok "$r"
    want_api 200 GET "/runs/$r/diff"
done
sp logs "$OLD"
eq "exit code of logs" "$RC" 4
has "$T/err" "removed by retention"
want_api 200 GET "/steps/$(step_of "$KEPT")/log"
eq "its log" "$(cat "$T/out")" kept
want 0 audit verify
want 0 audit --run "$OLD" --json
has "$T/out" run.logs_removed

t "the end of a stream that was read to its end stays its end"
last=$(sed -n 's/^id: //p' "$T/before/stream" | tail -1)
want_api 200 GET "/runs/$BIG/events?cursor=$last" "" -H "Accept: application/json"
eq final "$(j .final)" true

t "a project's own rule wins: all of its runs stay"
want 0 project set hello --retention runs=0,logs=7d
want 0 project show hello
has "$T/out" "kept after a run's end: logs 7 d 0 h"
has "$T/out" "; all for ever"
want 0 project set hello --retention runs=0,logs=0
server_stop
server_start --retention-runs 1ms --retention-every 1h
want 0 retention --dry-run --json
eq "to go" "$(j '.actions | length')" 0
want 0 project set hello --retention default

t "all of a run goes by rule: 410; its row and its audit records stay; shared contents stay as long as one names them"
want 0 retention --now --json
eq gone "$(j .runs_removed)" 2
gone "$T/data/runs/$OLD"
for p in "/runs/$OLD/events" "/runs/$OLD/changes" "/runs/$OLD/diff" "/artifacts/$(field "$OLD" '.artifacts[0].id')"; do
    want_api 410 GET "$p" "" -H "Accept: application/json"
    eq "code of $p" "$(j .error.code)" gone
done
eq state "$(field "$OLD" .state)" succeeded
eq "steps" "$(field "$OLD" '.steps[0].exit_code')" 0
[ "$(field "$OLD" .removed_at)" != null ] || fail "it does not say since when"
want_api 410 POST "/runs/$OLD/undo" '{}'
artifacts_ok "$KEPT" # its diff.patch is the empty one that others had
want 0 audit verify
want 0 audit --run "$OLD" --json
has "$T/out" run.removed
for b in $(cd "$T/data/blobs" && find . -type f -printf '%f\n'); do
    [ "$("${SQLITE:-sqlite3}" "$T/data/sallyport.db" "SELECT count(*) FROM artifacts WHERE sha256='$b' AND removed_us=0")" != 0 ] ||
        fail "the blob $b is nobody's"
done
want 0 retention
has "$T/out" "all of 2 removed"

t "released, it goes too; what is undone meanwhile does not"
want 0 runs keep "$KEPT" --release
want 0 retention --now --json
eq gone "$(j .runs_removed)" 1
sp runs keep "$KEPT"
eq "exit code of keeping what is gone" "$RC" 4

if grep -q run_half_removed "$SALLYPORT"; then # a build with crash points
    none_half() { [ "$("${SQLITE:-sqlite3}" "$T/data/sallyport.db" 'SELECT count(*) FROM runs WHERE removing = 1')" = 0 ]; }
    t "killed between marking and unlinking, and in the midst of it: the next start does the rest"
    for point in run_removal_committed run_half_removed log_packed log_renamed; do
        done_run 'seq 5000'
        HALF=$R
        server_stop
        SALLYPORT_FAULT=kill@$point:1 server_start --retention-runs 1ms --retention-every 200ms --retention-compress-after 0
        until_ok server_dead
        server_start --retention-runs 1ms --retention-every 200ms --retention-compress-after 0
        until_ok says_gone "$HALF"
        until_ok test ! -e "$T/data/runs/$HALF"
        want 0 audit verify
        until_ok none_half
        server_stop
        server_start --retention-every 1h
    done
fi

t "beyond max_bytes the oldest go first"
for i in 1 2 3; do
    done_run 'head -c 400000 /dev/urandom'
    RUNS[i]=$R
done
server_stop
server_start --retention-max-bytes 1MiB --retention-every 200ms
until_ok says_gone "${RUNS[1]}"
sleep 1
eq "the newest" "$(field "${RUNS[3]}" .removed_at)" null
curl -s "$(base)/metrics" >"$T/out"
grep -q '^sallyport_retention_removed_total{what="all"} [1-9]' "$T/out" || fail "no removal was counted"
want 0 audit verify
end_case
server_stop
finish
