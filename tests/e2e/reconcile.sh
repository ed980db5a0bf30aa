#!/bin/bash
# reconcile - what was cut off or planted is found, said and put right: a dry run lists the same and changes not one byte;
# runs that live meanwhile are not touched.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

# db SQL: behind the server's back, from another process
db() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=30); c.executescript(sys.argv[2]); c.commit()' "$T/data/sallyport.db" "$1"; }
old() { touch -h -d '2 days ago' "$@"; }

# Every file's name, mode, size, time and content, but for the database's index of its log (-shm), in which readers leave
# marks, and the keeper's reserve, which may come at any time. While the run $LIVE goes on, its directory and the database's log grow.
LIVE=
data_is() {
    (cd "$T/data" && set -- -mindepth 1 '(' -name '*.db-shm' -o -path ./reserve ${LIVE:+-o -name "$LIVE" -o -name '*.db*'} ')' -prune -o &&
        find . "$@" -printf '%P %m %s %T@\n' | LC_ALL=C sort &&
        find . "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
}

# Of this data directory and these runs; others' tests may have left something on the machine.
actions() { jq -c '.actions[] | select(.run_id != null or (.detail | startswith("/") or startswith("process ") | not))' "$T/out" | LC_ALL=C sort; }

# dry_and_real: $T/dry and $T/real, which must be the same
dry_and_real() {
    data_is >"$T/before"
    want 0 reconcile --dry-run --json
    eq "dry_run" "$(j .dry_run)" true
    actions >"$T/dry"
    data_is >"$T/after"
    cmp -s "$T/before" "$T/after" || { fail "the dry run changed something" && diff "$T/before" "$T/after" | head -n 5 | sed 's/^/#   /'; }
    want 0 reconcile --json
    actions >"$T/real"
    cmp -s "$T/dry" "$T/real" || { fail "the dry run said something else" && diff "$T/dry" "$T/real" | sed 's/^/#   /'; }
    eq "problems" "$(j '.problems | length')" 0
}
did() { jq -r .what "$T/real" | sort | uniq -c | awk '{printf "%s%s %s", s, $1, $2; s = ", "}'; }
metric() { curl -s -H "Authorization: Bearer $(token)" "$(base)/metrics" | sed -n "s/^sallyport_reconcile_actions_total{action=\"$1\"} //p"; }

hello "$P"

# A nursery that does not see its server die (it is stopped) is of use to nobody. It is looked at in the end: it must have
# lived for ten seconds.
server_start --reconcile-every 24h
want 0 project add "$P"
want 0 run -p hello --review none --cmd true
NURSERY=$(pgrep -P "$SERVER" -f -- '--nursery' | head -n 1)
[ -z "$NURSERY" ] || kill -STOP "$NURSERY"
server_kill9
STOPPED=$SECONDS
server_start --reconcile-every 24h

t "nothing is wrong after a start"
want 0 reconcile
want 0 reconcile --json
eq "actions" "$(actions)" ""

t "planted files: a dry run names them and changes nothing, a real one removes them and nothing else"
new_run -p hello --review none --cmd 'echo one > one'
ended "$R" succeeded
FINAL_RUN=$R
artifacts_ok "$R"
mkdir -p "$T/data/runs/$R/layers/0.1/upper" "$T/data/runs/$R/shim"
: >"$T/data/runs/$R/shim/lock" && : >"$T/data/runs/$R/.tmp-seen"
db "UPDATE runs SET finished_us = 1"
UNKNOWN=run_00000000000000000000000001
mkdir -p "$T/data/runs/$UNKNOWN/layers" "$T/data/runs/run_00000000000000000000000002/layers" "$T/data/blobs/00"
old "$T/data/runs/$UNKNOWN"
SUM=00$(printf '%062d' 1)
echo unnamed >"$T/data/blobs/00/$SUM" && old "$T/data/blobs/00/$SUM"
echo young >"$T/data/blobs/00/00$(printf '%062d' 2)"
echo x >"$T/data/.tmp-0123" && old "$T/data/.tmp-0123"
echo x >"$T/data/.tmp-4567"
old "$T"/data/blobs/*/* && touch "$T/data/blobs/00/00$(printf '%062d' 2)"
dry_and_real
eq "did" "$(did)" "1 blob_removed, 1 layers_removed, 1 run_dir_removed, 1 temp_removed"
gone "$T/data/runs/$R/layers" && gone "$T/data/runs/$R/shim" && gone "$T/data/runs/$R/.tmp-seen"
gone "$T/data/runs/$UNKNOWN" && gone "$T/data/blobs/00/$SUM" && gone "$T/data/.tmp-0123"
there "$T/data/runs/run_00000000000000000000000002/layers"
there "$T/data/blobs/00/00$(printf '%062d' 2)"
there "$T/data/.tmp-4567"
artifacts_ok "$R"
rm -r "$T/data/runs/run_00000000000000000000000002" "$T/data/.tmp-4567" "$T/data/blobs/00/00$(printf '%062d' 2)"

t "each action is one record in the audit trail and counts in the metrics"
want 0 audit --json
eq "records" "$(j '[.items[] | select(.action | startswith("reconcile.")) | select(.data.detail | startswith("/") | not) | .action] | sort | join(" ")' | sed 's/reconcile.socket_removed \|reconcile.nursery_killed //g')" \
    "reconcile.blob_removed reconcile.layers_removed reconcile.run_dir_removed reconcile.temp_removed"
eq "actor" "$(j '[.items[] | select(.action == "reconcile.layers_removed") | .actor] | unique | length')" 1
eq "target" "$(j '.items[] | select(.action == "reconcile.layers_removed") | .target')" "$FINAL_RUN"
eq "metric" "$(metric layers_removed)" 1
want 0 audit verify

t "its lines in the log say which run, and under which trace"
grep -a '"component":"reconcile"' "$T/server.log" | grep -a layers_removed | tail -n 1 >"$T/line"
eq "run_id" "$(j .run_id "$T/line")" "$FINAL_RUN"
eq "trace_id" "$(j '.trace_id | length' "$T/line")" 32

t "a sandbox of a run that is final is killed, a live run beside it goes on"
new_run -p hello --review none --cmd 'echo up; sleep 1000'
DEAD=$R
until_ok test -s "$T/data/runs/$DEAD/shim/pid"
SHIM=$(cat "$T/data/runs/$DEAD/shim/pid")
new_run -p hello --review none --cmd 'for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.5; done'
LIVE=$R
until_ok grep -sqa 'line 1' "$T/data/runs/$LIVE/logs/0.1.log"
cp "$T/data/runs/$DEAD/shim/cgroups" "$T/cgroups"
db "UPDATE runs SET state = 'failed', outcome = 'failed', finished_us = 1 WHERE id = '$DEAD'; DELETE FROM run_queue WHERE run_id = '$DEAD'"
dry_and_real
eq "did" "$(did)" "1 layers_removed, 1 sandbox_killed"
until_ok gone_pid "$SHIM"
while read -r g; do gone "$g"; done <"$T/cgroups"
ended "$LIVE" succeeded
want 0 logs "$LIVE"
eq "lines" "$(cat "$T/out")" "$(for i in 1 2 3 4 5 6 7 8; do echo "line $i"; done)"
LIVE=

t "a sandbox and a cgroup whose run's directory is gone are found by their own names"
new_run -p hello --review none --cmd 'sleep 1000'
until_ok test -s "$T/data/runs/$R/shim/pid"
SHIM=$(cat "$T/data/runs/$R/shim/pid")
read -r G <"$T/data/runs/$R/shim/cgroups"
until_ok state_is "$R" running
rm -rf "$T/data/runs/$R"
db "UPDATE runs SET state = 'failed', outcome = 'failed', finished_us = 1 WHERE id = '$R'; DELETE FROM run_queue WHERE run_id = '$R'"
mkdir -p "${G%/*}/$FINAL_RUN"
data_is >"$T/before"
want 0 reconcile --dry-run --json
data_is >"$T/after"
cmp -s "$T/before" "$T/after" || fail "the dry run changed something"
kill -0 "$SHIM" || fail "the dry run killed it"
want 0 reconcile --json
eq "sandbox" "$(jq -r ".actions[] | select(.what == \"sandbox_killed\" and .run_id == \"$R\") | .detail" "$T/out")" "process $SHIM"
eq "cgroup" "$(jq -r ".actions[] | select(.what == \"cgroup_removed\" and .run_id == \"$FINAL_RUN\") | .detail" "$T/out")" "${G%/*}/$FINAL_RUN"
until_ok gone_pid "$SHIM"
gone "${G%/*}/$FINAL_RUN"
until_ok gone "$G"
rm -rf "$T/data/runs/$R"

t "an apply that was cut off while its project was away is settled when it is back"
new_run -p hello --review none --cmd 'echo changed > changed'
ended "$R" succeeded
there "$P/changed"
mv "$T/data/runs/$R/apply/done" "$T/data/runs/$R/apply/go"
mkdir "$T/data/runs/$R/layers"
db "UPDATE runs SET apply = NULL, finished_us = 1 WHERE id = '$R'"
mv "$P" "$P.away"
want 0 reconcile --json
eq "problem" "$(j '.problems[] | "\(.what) \(.run_id)"')" "apply_settled $R"
there "$T/data/runs/$R/layers"
mv "$P.away" "$P"
dry_and_real
eq "did" "$(did)" "1 apply_settled, 1 layers_removed"
gone "$T/data/runs/$R/apply/go"
if [ -e "$T/data/runs/$R/apply/done" ]; then there "$P/changed"; else gone "$P/changed"; fi

t "a run of a node of another name, and one that fell out of the queue, end well"
new_run -p hello --cmd true
until_ok state_is "$R" awaiting_review
AWAY=$R
new_run -p hello --cmd true
until_ok state_is "$R" awaiting_review
db "UPDATE runs SET node_name = 'elsewhere' WHERE id = '$AWAY'"
want 0 approve "$AWAY"
server_kill9
db "UPDATE runs SET state = 'queued', phase = 'execute', expires_us = 0 WHERE id = '$R'"
server_start --reconcile-every 24h
until_ok state_is "$R" succeeded
until_ok state_is "$AWAY" succeeded

t "reconciling in a loop beside twenty runs harms none of them"
(while [ ! -e "$T/stop" ]; do
    "$SALLYPORT" reconcile -q >/dev/null 2>>"$T/loop.err" </dev/null || echo failed >>"$T/loop.err"
    "$SALLYPORT" reconcile -q --dry-run >/dev/null 2>>"$T/loop.err" </dev/null
done) &
LOOP=$!
for i in $(seq 1 20); do
    new_run -p hello --review none --cmd "echo $i > many.$i; echo out $i"
    echo "$R" >>"$T/many"
done
while read -r r; do ended "$r" succeeded; done <"$T/many"
touch "$T/stop"
wait "$LOOP"
empty "$T/loop.err"
eq "files" "$(cat "$P"/many.* | sort -n | tr '\n' ' ')" "$(seq 1 20 | tr '\n' ' ')"
for r in $(head -n 3 "$T/many"); do artifacts_ok "$r"; done

t "a nursery whose server is gone, and that did not see it, is killed"
if [ -n "$NURSERY" ]; then
    while [ $((SECONDS - STOPPED)) -lt 12 ]; do sleep 0.5; done
    sp reconcile --json
    until_ok gone_pid "$NURSERY"
else
    skip "this server has no nursery"
fi

finish
