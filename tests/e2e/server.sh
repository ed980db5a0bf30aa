#!/bin/bash
# server - the server as a process: its configuration, its one data directory, who may reach it, what it says about
# itself, and how it stops.
. "$(dirname "$0")/lib.sh"
P=$T/hello

serve() { # ARG...: a start that must fail: $RC, $T/out, $T/err
    timeout -k 5 60 "$SALLYPORT" serve "$@" >"$T/out" 2>"$T/err" </dev/null
    RC=$?
}

# ---- configuration -------------------------------------------------------------------

t "every mistake of the configuration is named at once, with its place, and nothing is made"
cat >"$T/config.yaml" <<'X'
listen: 127.0.0.1:99999
nosuchkey: 1
workers: many
limits:
  memory: 12 parsecs
X
SALLYPORT_LOG_LEVEL=loud serve --config "$T/config.yaml" --handlers 0 --nosuchflag --rate 10 --rate-burst 1
eq "exit code" "$RC" 78
for what in "127.0.0.1:99999" "nosuchkey" "workers" "limits.memory" "log_level" "handlers" "nosuchflag" "rate_burst"; do
    grep -qi -e "$what" "$T/err" || fail "$what is not named: $(cat "$T/err")"
done
gone "$T/data"
serve --config "$T/nosuch.yaml"
eq "exit code without the file" "$RC" 78
has "$T/err" "nosuch.yaml"
printf 'a: [b\n' >"$T/config.yaml"
serve --config "$T/config.yaml"
eq "exit code of bad YAML" "$RC" 78
has "$T/err" "config.yaml: not YAML at line "
hasnt "$T/err" "memory-@"
serve --data relative/path
eq "exit code of a relative path" "$RC" 78

t "an address that others can reach is refused unless said twice"
serve --listen 0.0.0.0:0
eq "exit code" "$RC" 78
has "$T/err" "insecure_listen"
serve --listen '[::]:0'
eq "exit code" "$RC" 78
serve --listen off --unix-socket=false
eq "exit code with no way in" "$RC" 78
serve --listen off --unix-socket=off
has "$T/err" "nobody could reach the server"

t "file, environment and flags count in this order; serve --help has an example"
printf 'workers: 3\nlog_level: warn\nlisten: 127.0.0.1:1\n' >"$T/config.yaml"
want 0 serve --help
has "$T/out" "example"
has "$T/out" "workers"
SALLYPORT_LISTEN=0.0.0.0:1 server_start --config "$T/config.yaml" --log-level info --workers 2
has "$T/data/address" "http://127.0.0.1:"

# ---- who may reach it ------------------------------------------------------------------

t "the data directory and what is in it are the server's own; the first start says how to use the token"
eq "mode of the data directory" "$(stat -c %a "$T/data")" 700
eq "mode of the token" "$(stat -c %a "$T/data/admin-token")" 600
eq "mode of the socket" "$(stat -c %a "$T/data/sock")" 600
eq "readable by others" "$(find "$T/data" -type f -perm /077 ! -path "*/audit/public")" ""
has "$T/server.log" "admin-token"
hasnt "$T/server.log" "$(token)"

t "a second server on the same data is refused, and the first goes on"
serve --listen 127.0.0.1:0
eq "exit code" "$RC" 5
has "$T/err" "another server"
want 0 status

t "without a token, with a wrong one, for another host or from another origin there is nothing to see"
code() { curl -s -o "$T/out" -w '%{http_code}' --max-time 30 "$@"; }
eq "no token" "$(code "$(base)/api/v1/runs")" 401
eq "wrong token" "$(code -H 'Authorization: Bearer sp_wrong' "$(base)/api/v1/runs")" 401
eq "other host" "$(code -H "Authorization: Bearer $(token)" -H 'Host: evil.example' "$(base)/api/v1/runs")" 403
eq "other origin" "$(code -H "Authorization: Bearer $(token)" -H 'Origin: http://evil.example' "$(base)/api/v1/runs")" 403
eq "right" "$(code -H "Authorization: Bearer $(token)" "$(base)/api/v1/runs")" 200

t "the unix socket knows its peer: our own user is admin, another one is nobody"
eq "own user" "$(code --unix-socket "$T/data/sock" http://localhost/api/v1/whoami)" 200
if [ "$(id -u)" = 0 ]; then
    as_other() {
        setpriv --reuid=12345 --regid=12345 --clear-groups curl -s -o /dev/null -w '%{http_code}' --max-time 30 \
            --unix-socket "$T/data/sock" http://localhost/api/v1/runs
    }
    eq "other user, shut out by the directory" "$(as_other)" 000
    chmod 711 "$T" "$T/data"
    eq "other user, shut out by the socket's mode" "$(as_other)" 000
    chmod 666 "$T/data/sock"
    eq "other user, who got in" "$(as_other)" 401
    chmod 700 "$T/data"
    chmod 600 "$T/data/sock"
fi

# ---- what it says ------------------------------------------------------------------------

t "healthz, readyz, metrics, openapi.json and docs answer"
eq "healthz" "$(code "$(base)/healthz")" 200
eq "readyz" "$(code "$(base)/readyz")" 200
jq -e . "$T/out" >/dev/null || fail "readyz: not JSON: $(cat "$T/out")"
eq "metrics" "$(code "$(base)/metrics")" 200
has "$T/out" "# TYPE sallyport_"
eq "openapi" "$(code "$(base)/openapi.json")" 200
jq -e '.openapi and (.paths | length > 20) and .paths["/api/v1/runs"]' "$T/out" >/dev/null || fail "openapi.json is not complete"
eq "docs" "$(code "$(base)/docs")" 200
grep -qi "<html" "$T/out" || fail "docs are no page"
eq "nothing there" "$(code "$(base)/nosuch")" 404
echo "# idle RSS: $(sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$SERVER/status")"

# ---- how it stops ------------------------------------------------------------------------

t "SIGTERM while a step runs: the server stops at once, the step goes on, the next server takes it up"
hello "$P"
want 0 project add "$P"
new_run -p hello --review none --cmd 'for i in $(seq 1 50); do echo line $i; sleep 0.1; done'
until_ok eval "'$SALLYPORT' logs $R 2>/dev/null </dev/null | grep -q 'line 3'"
curl -sN --max-time 60 -H "Authorization: Bearer $(token)" "$(base)/api/v1/runs/$R/events" >"$T/sse" 2>/dev/null &
STREAM=$!
until_ok grep -sq "line 5" "$T/sse"
SHIM=$(cat "$T/data/runs/$R/shim/pid")
BEGUN=$(date +%s%N)
kill -TERM "$SERVER"
until_ok server_dead
echo "# stopped after $((($(date +%s%N) - BEGUN) / 1000000)) ms"
[ $((($(date +%s%N) - BEGUN) / 1000000)) -lt 20000 ] || fail "it took too long to stop"
SERVER=
kill -0 "$SHIM" || fail "the shim did not outlive the server"
until_ok gone_pid "$STREAM"
sleep 1
mv "$T/server.log" "$T/server.1.log"
server_start --workers 2
ended "$R" succeeded
want 0 logs "$R"
eq "lines" "$(tr -dc '0-9\n' <"$T/out" | tr '\n' ' ')" "$(seq 1 50 | tr '\n' ' ')"

t "logs in JSON are JSON, with time, level and message; a run's lines name it"
new_run -p hello --review none --cmd true
ended "$R" succeeded
jq -e 'select((.time and .level and .msg) | not)' "$T/server.log" >"$T/out" 2>"$T/err"
empty "$T/out"
empty "$T/err"
[ "$(wc -l <"$T/server.log")" -ge 1 ] || fail "nothing was logged"

t "SIGTERM and SIGINT end it with 0; its address and lock can be used again; without TCP the socket is enough"
server_stop
"$SALLYPORT" serve --listen off --log-format json >>"$T/server.log" 2>&1 </dev/null &
SERVER=$!
until_ok eval "'$SALLYPORT' status >'$T/out' 2>&1 </dev/null"
gone "$T/data/address"
want 0 runs
kill -TERM "$SERVER"
wait "$SERVER"
eq "exit code after SIGTERM" "$?" 0
env --default-signal=INT "$SALLYPORT" serve --listen off --log-format json >>"$T/server.log" 2>&1 </dev/null &
SERVER=$!
until_ok eval "'$SALLYPORT' status >'$T/out' 2>&1 </dev/null"
kill -INT "$SERVER"
wait "$SERVER"
eq "exit code after SIGINT" "$?" 0
SERVER=
want 6 runs

t "a port that is taken is said"
server_start
PORT=$(sed 's/.*://' "$T/data/address")
timeout 60 "$SALLYPORT" serve --data "$T/other" --listen "127.0.0.1:$PORT" >"$T/out" 2>"$T/err" </dev/null
[ $? != 0 ] || fail "it started"
has "$T/err" "$PORT"

t "doctor says what this host can do, with and without a server"
want 0 doctor --json
eq "ok" "$(j .ok)" true
[ "$(j '.checks | length')" -ge 8 ] || fail "only $(j '.checks | length') checks"
server_stop
want 0 doctor
has "$T/out" "A sandbox can be built here"
finish
