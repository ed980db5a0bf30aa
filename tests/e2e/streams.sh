#!/bin/bash
# streams - event streams over HTTP: a replay is the live stream byte for byte, every place is one to resume from, clients
# that do not read cost nothing, each token has so many.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
E2E_ERRORS_OK='read a stream: ' # of a log that is taken away
P=$T/hello

stream() { # RUN FILE [curl option ...]: an event stream to its end
    local run=$1 file=$2
    shift 2
    curl -sSN --max-time 120 -H "Authorization: Bearer $(token)" "$@" "$(base)/api/v1/runs/$run/events" >"$file" 2>"$file.err"
}

# Both streams, in pieces that are no lines, bytes that are no text, and a line of 1 MiB.
LOUD='i=0; while [ $i -lt 150 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; sleep 0.3
printf "\\377\\000\\001half"; sleep 0.2; printf " a line\\n"; head -c 1048576 /dev/zero | tr "\\0" x; echo; sleep 0.1; head -c 300000 /dev/urandom; echo end'

loud_run() { # queues it: $R
    KEY=loud-$RANDOM$RANDOM want_api 202 POST /runs "$(jq -cn --arg c "$LOUD" '{project_id:"hello",review:"none",steps:[{command:"true"},{command:$c}]}')"
    R=$(j .id)
}

hello "$P"
server_start --workers 2 --max-sse-per-token 300
want 0 project add "$P"

t "a replay is the live stream, byte for byte, for every client that followed it"
loud_run
for i in 1 2 3; do
    stream "$R" "$T/live.$i" &
    CLIENTS[i]=$!
done
wait "${CLIENTS[@]}"
ended "$R" succeeded
stream "$R" "$T/replay"
for i in 1 2 3; do
    cmp "$T/live.$i" "$T/replay" || fail "client $i was given something else"
done
awk '/^data: /{print substr($0, 7)}' "$T/replay" >"$T/events"
eq "the last event" "$(tail -n 1 "$T/events" | jq -r .type)" run.completed
eq "bytes of stdout" "$(jq -r 'select(.type == "step.log" and .data.stream == "stdout") | .data | .text_b64 // (.text | @base64)' \
    "$T/events" | while read -r b; do printf %s "$b" | base64 -d; done | wc -c)" "$(sp show "$R" --json; j '.steps[1].stdout_bytes')"

t "it begins with how soon to come back, and asks proxies not to hold it up"
stream "$R" "$T/head" -D "$T/headers"
eq "first line" "$(head -n 1 "$T/head")" "retry: 1000"
grep -qi '^x-accel-buffering: no' "$T/headers" || fail "no X-Accel-Buffering"
grep -qi '^cache-control: no-store' "$T/headers" || fail "no Cache-Control"

t "from every place the rest is given, by header and by query"
grep '^id: ' "$T/replay" | cut -c5- >"$T/ids"
N=$(wc -l <"$T/ids")
for n in 1 2 $((N / 3)) $((N / 2)) $((N - 4)) $((N - 1)); do
    id=$(sed -n "${n}p" "$T/ids")
    awk -v id="id: $id" 'on{print} $0 == id{seen = 1} seen && /^$/{on = 1}' "$T/replay" >"$T/rest"
    stream "$R" "$T/by.header" -H "Last-Event-ID: $id"
    curl -sSN --max-time 60 -H "Authorization: Bearer $(token)" "$(base)/api/v1/runs/$R/events?cursor=$id" >"$T/by.query"
    tail -n +3 "$T/by.header" | cmp -s - "$T/rest" || fail "from event $n by Last-Event-ID"
    tail -n +3 "$T/by.query" | cmp -s - "$T/rest" || fail "from event $n by ?cursor="
done
stream "$R" "$T/none" -H "Last-Event-ID: $(tail -n 1 "$T/ids")"
eq "behind the last event" "$(grep -c '^data' "$T/none")" 0

t "two hundred clients that never read cost little, and others are served"
KEY=slow want_api 202 POST /runs '{"project_id":"hello","review":"none","limits":{"output_bytes":100000000},"steps":[
    {"command":"sleep 1; for i in 1 2 3 4 5 6 7 8; do yes \"line $i of very many\" | head -c 4000000; sleep 0.1; done; echo over"}]}'
R=$(j .id)
python3 - "$(base)" "$(token)" "$R" "$T/slow.go" <<'PY' &
import os, socket, sys, time
base, token, run, go = sys.argv[1:]
host, port = base[7:].rsplit(":", 1)
all_ = []
for i in range(200):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((host, int(port)))
    s.sendall(f"GET /api/v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    all_.append(s)
open(go, "w").close()
end = time.monotonic() + 100
while os.path.exists(go) and time.monotonic() < end:
    time.sleep(0.05)
PY
SLOW=$!
until_ok test -e "$T/slow.go"
# The program's own: TSan keeps four bytes beside each that is used, all of it below 0x55… or at 0x60… (gcc's tsan_platform.h).
pss() { awk '/^[0-9a-f]+-[0-9a-f]+ /{ own = !tsan || (index($1, "-") == 13 && $1 ~ /^(5[56]|7)/) } own && /^Pss:/{ sum += $2 } END { print sum }' \
    tsan="$TSAN" "/proc/$SERVER/smaps"; }
TSAN=$(nm -D "$SALLYPORT" 2>/dev/null | grep -m1 -c __tsan_init)
BEFORE=$(pss) MOST=0
[ "$BEFORE" -gt 1000 ] || fail "the server has $BEFORE KiB"
stream "$R" "$T/quick" &
QUICK=$!
while kill -0 $QUICK 2>/dev/null; do
    NOW=$(pss)
    [ "$NOW" -gt "$MOST" ] && MOST=$NOW
    sleep 0.1
done
ended "$R" succeeded
stream "$R" "$T/replay"
cmp "$T/quick" "$T/replay" || fail "the quick one was given something else"
[ $(($(stat -c %s "$T/quick") / 1000000)) -ge 32 ] || fail "it was given $(stat -c %s "$T/quick") bytes"
BOUND=65536
[ -z "$(nm -D "$SALLYPORT" 2>/dev/null | grep -m1 __asan_init)" ] || BOUND=400000 # freed memory stays for a while
[ $((MOST - BEFORE)) -lt $BOUND ] || fail "the server grew by $((MOST - BEFORE)) KiB"
echo "# 200 clients that never read 32 MB each: $((MOST - BEFORE)) KiB more"
rm -f "$T/slow.go"
wait $SLOW

t "a token has so many event streams at once; others have theirs"
KEY=many want_api 202 POST /runs '{"project_id":"hello","review":"plan","steps":[{"command":"true"}]}'
R=$(j .id)
server_stop
server_start --workers 2 --max-sse-per-token 2
want 0 token new --name other --scope run:read
OTHER=$(cat "$T/out")
HELD=()
for i in 1 2; do
    stream "$R" "$T/held.$i" &
    HELD+=($!)
done
until_ok grep -qs run.planned "$T/held.1"
until_ok grep -qs run.planned "$T/held.2"
want_api 429 GET "/runs/$R/events"
eq "code" "$(j .error.code)" too_many_connections
has "$T/out" "this token has 2 event streams open"
eq "pages need none" "$(api GET "/runs/$R/events" "" -H "Accept: application/json"; echo "$HTTP")" 200
curl -sN --max-time 60 -H "Authorization: Bearer $OTHER" "$(base)/api/v1/runs/$R/events" >"$T/held.3" &
HELD+=($!)
until_ok grep -qs run.planned "$T/held.3"
kill "$(pgrep -P "${HELD[0]}")"
wait "${HELD[0]}" 2>/dev/null
room() { stream "$R" "$T/held.4" --max-time 1; grep -q run.planned "$T/held.4"; }
until_ok room
want_api 202 POST "/runs/$R/cancel" '{}'
wait "${HELD[@]:1}"
has "$T/held.2" run.completed
has "$T/held.3" run.completed

t "a stream that has nothing to say says that, and goes on with what comes"
server_stop
server_start --workers 2 --heartbeat 100ms
KEY=quiet want_api 202 POST /runs '{"project_id":"hello","review":"plan","steps":[{"command":"echo said"}]}'
R=$(j .id)
wait_state "$R" awaiting_review
stream "$R" "$T/quiet" &
HELD=$!
until_ok eval "[ \"\$(grep -sc '^: still here\$' '$T/quiet')\" -ge 3 ] 2>/dev/null"
kill -0 "$HELD" || fail "the stream ended"
want 0 approve "$R"
wait "$HELD"
has "$T/quiet" '"text":"said'
stream "$R" "$T/quiet.replay"
sed '/^: still here$/,/^$/d' "$T/quiet" | cmp -s - "$T/quiet.replay" || fail "with its comments left out it is not the replay"

t "a log that cannot be read ends the streams of its run, and the server's log names run and trace"
LOG=$T/data/runs/$R/logs/0.1.log
mv "$LOG" "$LOG.away" && mkdir "$LOG"
stream "$R" "$T/broken" -H "traceparent: 00-11111111111111111111111111111111-2222222222222222-01"
has "$T/broken" step.started
hasnt "$T/broken" step.finished
PYTHONPATH=$HERE python3 -B - "$(base)" "$(token)" "$R" >"$T/broken.ws" 2>&1 <<'PY' || fail "WebSocket: $(tail -n 3 "$T/broken.ws")"
import json, sys, types
from ws_lib import Ws
base, token, run = sys.argv[1:]
host, port = base[7:].rsplit(":", 1)
ws = Ws(types.SimpleNamespace(host=host, port=int(port), admin=token),
        headers={"traceparent": "00-33333333333333333333333333333333-2222222222222222-01"})
ws.ok("connect", {"protocol": {"min": 1, "max": 1}})
ws.ok("subscribe", {"run_id": run})
while True:
    m = ws.events.pop(0) if ws.events else ws.message()
    print(json.dumps(m), flush=True)
    if "error" in m or m["event"]["type"] == "run.completed":
        break
ws.ok("runs.list")  # the connection goes on
PY
has "$T/broken.ws" '"error": {"code"'
hasnt "$T/broken.ws" step.finished
for part in sse:1111 ws:3333; do
    grep -a '"read a stream: ' "$T/server.log" | jq -r "select(.component == \"${part%:*}\") | \"\(.level) \(.run_id) \(.trace_id)\"" >"$T/lines"
    N=${part#*:}
    eq "the log of ${part%:*}" "$(sort -u "$T/lines")" "error $R $N$N$N$N$N$N$N$N"
done
rmdir "$LOG" && mv "$LOG.away" "$LOG"
stream "$R" "$T/mended"
cmp -s "$T/mended" "$T/quiet.replay" || fail "the log is back, the stream is not"

finish
