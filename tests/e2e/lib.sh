# lib.sh - what the end-to-end scripts share. Sourced by bash, never run.
#
#   . "$(dirname "$0")/lib.sh"      makes $T (a directory of its own below TMPDIR) and a trap that cleans up
#   server_start [FLAG ...]         `sallyport serve` on a free port, data in $T/data; server_stop, server_kill9
#   t "NAME"                        begins a case; it ends as `ok NAME` or `not ok NAME` at the next t or at the end
#   sp ARG ...                      `sallyport ARG ...` with nothing on stdin: $T/out, $T/err, $RC
#   want CODE ARG ...               the same, and its exit code must be CODE
#   finish                          last line of a script: nothing may be left, then exit 0 or 1
#
# Assertions note what is wrong and go on, so that one run of a script shows all of it. Waiting is polling with a bound
# of a minute: the machine may be busy, and a bound that is never reached costs nothing.
#
# Environment: SALLYPORT is the built binary. E2E_PREFIX is put before each case's name. E2E_KEEP=1 keeps $T. E2E_WAIT is
# the bound of a wait in seconds. E2E_LAUNCH is a program that runs `sallyport serve` for us (tests/vm/guest/launch).

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${E2E_ROOT:-$(cd "$HERE/../.." && pwd)}
: "${SALLYPORT:?SALLYPORT is the path of the built binary}"
case $SALLYPORT in /*) ;; *) SALLYPORT=$PWD/$SALLYPORT ;; esac
WAIT=${E2E_WAIT:-60}

unset SALLYPORT_URL SALLYPORT_TOKEN SALLYPORT_TOKEN_FILE SALLYPORT_CONFIG SALLYPORT_DATA XDG_CONFIG_HOME
T=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-e2e.XXXXXX") && T=$(readlink -f "$T")
mkdir "$T/home" "$T/tmp"
export HOME=$T/home XDG_DATA_HOME=$T/home/data TMPDIR=$T/tmp SALLYPORT_DATA=$T/data PAGER=cat LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=e2e GIT_AUTHOR_EMAIL=e2e@example.org
export GIT_COMMITTER_NAME=e2e GIT_COMMITTER_EMAIL=e2e@example.org
SERVER= CASE= BAD=0 FAILED=0 RC=0 HTTP=0 FINISHED=

# ---- cases -------------------------------------------------------------------

end_case() {
    [ -n "$CASE" ] || return 0
    if [ "$BAD" = 0 ]; then
        echo "ok ${E2E_PREFIX:-}$CASE"
    else
        echo "not ok ${E2E_PREFIX:-}$CASE"
        FAILED=$((FAILED + 1))
    fi
    CASE=
}

t() {
    end_case
    CASE=$1 BAD=0
}

skip() {
    echo "skip ${E2E_PREFIX:-}$CASE # $1"
    CASE=
}

fail() {
    BAD=1
    echo "# ${CASE:-(no case)}: $*"
}

# What the last command said, cut to what a person reads.
said() {
    sed 's/^/#   out| /' "$T/out" | cut -c1-400 | tail -n 12
    sed 's/^/#   err| /' "$T/err" | cut -c1-400 | tail -n 12
}

eq() { [ "$2" = "$3" ] || fail "$1: is \"$2\", should be \"$3\""; }
has() { grep -aqF -e "$2" "$1" || { fail "no \"$2\" in ${1##*/}"; head -c 2000 "$1" | sed 's/^/#   | /'; }; }
hasnt() { ! grep -aqF -e "$2" "$1" || fail "\"$2\" is in ${1##*/}"; }
empty() { [ ! -s "$1" ] || { fail "${1##*/} is not empty"; head -c 500 "$1" | sed 's/^/#   | /'; }; }
there() { [ -e "$1" ] || [ -L "$1" ] || fail "$1 is not there"; }
gone() { [ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 is there"; }

gone_pid() { ! kill -0 "$1" 2>/dev/null; }

# until_ok CMD...: polls until it succeeds; fails the case after $WAIT seconds.
until_ok() {
    local bound=$WAIT
    [ "$BAD" = 0 ] || bound=5 # it failed already: see what else, but soon
    local end=$((SECONDS + bound))
    until "$@"; do
        if [ $SECONDS -ge $end ]; then
            fail "not within $bound s: $*"
            return 1
        fi
        sleep 0.05
    done
}

# ---- the command line ----------------------------------------------------------

sp() {
    timeout 120 "$SALLYPORT" "$@" >"$T/out" 2>"$T/err" </dev/null
    RC=$?
}

want() {
    local code=$1
    shift
    sp "$@"
    [ "$RC" = "$code" ] && return 0
    fail "sallyport $*: exit code $RC, should be $code"
    said
    return 1
}

j() { jq -r "$1" "${2:-$T/out}" 2>&1; } # of the last command's output

# field RUN EXPRESSION: of the run as it is now
field() { "$SALLYPORT" show "$1" --json </dev/null 2>/dev/null | jq -r "$2"; }
state_is() { [ "$(field "$1" .state)" = "$2" ]; }
state_in() { case " $2 " in *" $(field "$1" .state) "*) ;; *) return 1 ;; esac }
wait_state() {
    [ -n "$1" ] || return 1
    until_ok state_in "$1" "$2" || {
        sp show "$1"
        said
    }
}
FINAL="succeeded failed rejected canceled expired"

# new_run ARG...: `sallyport run -d`; its id is in $R
new_run() {
    want 0 run -d "$@"
    R=$(cat "$T/out")
    case $R in run_??????????????????????????) ;; *) fail "no run id: $R" ;; esac
}

# artifacts_ok RUN: the three of every end, as large as they say, and the audit verifies alone
artifacts_ok() {
    local n
    want 0 artifacts "$1" --json
    eq "artifacts of $1" "$(j '[.items[].name] | sort | join(" ")')" "audit.json diff.patch report.md"
    j '.items[] | "\(.name) \(.size_bytes) \(.sha256)"' >"$T/artifacts"
    while read -r n size sha; do
        want 0 artifacts "$1" "$n" -o "$T/artifact.$n"
        eq "size of $n" "$(stat -c %s "$T/artifact.$n")" "$size"
        eq "hash of $n" "$(sha256sum <"$T/artifact.$n" | cut -d' ' -f1)" "$sha"
    done <"$T/artifacts"
    want 0 audit verify "$T/artifact.audit.json"
    has "$T/artifact.report.md" "$1"
}

# ended RUN STATE [REASON]
ended() {
    wait_state "$1" "$FINAL"
    eq "state of $1" "$(field "$1" .state)" "$2"
    [ -z "${3:-}" ] || eq "reason of $1" "$(field "$1" '.reason.code')" "$3"
}

# ---- the API -------------------------------------------------------------------

base() { cat "$T/data/address"; }
token() { cat "$T/data/admin-token"; }

# api METHOD PATH [BODY [curl option ...]]: $HTTP, $T/out
api() {
    local method=$1 path=$2 body=${3-}
    shift $(($# < 3 ? $# : 3))
    set -- -sS -o "$T/out" -w '%{http_code}' -X "$method" -H "Authorization: Bearer $(token)" --max-time 60 "$@"
    [ "$method" = GET ] || set -- "$@" -H "Idempotency-Key: ${KEY:-k$RANDOM$RANDOM$RANDOM$SECONDS}"
    [ -z "$body" ] || set -- "$@" -H "Content-Type: application/json" --data-binary "$body"
    HTTP=$(curl "$@" "$(base)/api/v1$path" 2>"$T/err")
}

want_api() {
    local code=$1
    shift
    api "$@"
    [ "$HTTP" = "$code" ] && return 0
    fail "$1 $2: HTTP $HTTP, should be $code"
    said
    return 1
}

# ---- the server ----------------------------------------------------------------

server_up() { [ -s "$T/data/address" ] && curl -s -o "$T/readyz" --max-time 10 "$(base)/healthz"; }
server_dead() { ! kill -0 "$SERVER" 2>/dev/null; }
up_or_dead() { server_up || server_dead; }

# Exits the script when the server does not come up: no case would mean anything.
server_start() {
    rm -f "$T/data/address"
    # shellcheck disable=SC2086
    ${E2E_LAUNCH:-} "$SALLYPORT" serve --listen 127.0.0.1:0 --log-format json "$@" >>"$T/server.log" 2>&1 </dev/null &
    SERVER=$!
    disown "$SERVER"
    until_ok up_or_dead
    server_up && return 0
    tail -n 40 "$T/server.log" | sed 's/^/# /'
    fail "the server did not start"
    finish
}

server_kill9() {
    kill -9 "$SERVER" 2>/dev/null
    until_ok server_dead
    SERVER=
}

server_stop() {
    [ -n "$SERVER" ] || return 0
    kill -TERM "$SERVER" 2>/dev/null
    until_ok server_dead || kill -9 "$SERVER"
    SERVER=
}

# ---- projects ------------------------------------------------------------------

# tree DIR: every entry with kind, mode, owner, time, target and content
tree() {
    (
        cd "$1" || exit 1
        find . \( -type f -printf '%P: f %m %U:%G %s %T@\0' \) -o -printf '%P: %y %m %U:%G %l %T@\0' | LC_ALL=C sort -z
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z
    )
}

tree_keep() { tree "$1" >"$T/tree.$2"; }

tree_cmp() { # DIR NAME [sed script for both]
    tree "$1" | sed -z "${3:-}" >"$T/tree.now"
    sed -z "${3:-}" "$T/tree.$2" >"$T/tree.then"
    cmp -s "$T/tree.then" "$T/tree.now" && return 0
    fail "$1 is not as it was ($2)"
    diff <(tr '\0' '\n' <"$T/tree.then") <(tr '\0' '\n' <"$T/tree.now") | head -n 20 | sed 's/^/#   | /'
}

# tree_same DIR NAME: as it was at tree_keep DIR NAME, to the last time stamp
tree_same() { tree_cmp "$1" "$2"; }
# tree_undone DIR NAME: the same, but a directory in which something came and went shows when; NAME is the tree as it
# is now from here on
tree_undone() {
    tree_cmp "$1" "$2" '/: d [0-7]* [0-9]*:[0-9]* /s/ [0-9.]*$//'
    tree_keep "$1" "$2"
}

# hello DIR: the example project as a git repository
hello() {
    cp -r "$ROOT/examples/hello" "$1"
    chmod -R u+w "$1"
    git -C "$1" init -qb main
    git -C "$1" add -A
    git -C "$1" commit -qm start
}

# ---- nothing is left -------------------------------------------------------------

# Processes that have to do with $T: by their command line, their directory, or what is mounted in their namespace (a
# step's own paths say nothing about us).
leftover() {
    local p
    for p in /proc/[0-9]*; do
        case ${p#/proc/} in $$ | "$BASHPID" | "${SERVER:-0}") continue ;; esac
        if { tr '\0' ' ' <"$p/cmdline"; } 2>/dev/null | grep -qF "$T" ||
            readlink "$p/cwd" 2>/dev/null | grep -qF "$T" ||
            { [ "$(readlink "$p/ns/mnt" 2>/dev/null)" != "$MNT" ] && grep -qF "$T" "$p/mountinfo" 2>/dev/null; }; then
            echo "${p#/proc/}"
        fi
    done
}
MNT=$(readlink /proc/self/ns/mnt)
nothing_left() { [ -z "$(leftover)" ]; }

cgroups_left() {
    local r
    for r in "$T"/data/runs/run_*; do
        [ -d "$r" ] || continue
        find /sys/fs/cgroup -type d -name "${r##*/}" 2>/dev/null
    done
}

show_left() {
    local p
    for p in $(leftover); do
        echo "#   left: $p $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-200)"
    done
}

check_nothing_left() {
    t "nothing is left: no process, mount, cgroup, layer or temporary file"
    WAIT=30 until_ok nothing_left || show_left
    ! grep -F "$T" /proc/mounts || fail "mounts are left"
    eq "cgroups" "$(cgroups_left)" ""
    eq "layers" "$(find "$T/data/runs" -maxdepth 2 -name layers 2>/dev/null)" ""
    eq "files in TMPDIR" "$(ls -A "$T/tmp")" ""
    eq "temporary names in projects" "$(find "$T" -path "$T/data" -prune -o -name '.sallyport-*' -print)" ""
    t "the server wrote no error and no sanitizer report"
    if [ -e "$T/server.log" ]; then
        ! grep -a '"level":"error"' "$T/server.log" | grep -av "${E2E_ERRORS_OK:-^$}" | head -n 5 | grep . ||
            fail "errors in the server's log"
        ! grep -aE 'Sanitizer|runtime error' "$T/server.log" "$T"/data/runs/*/shim/err 2>/dev/null | head -n 20 | grep . ||
            fail "a sanitizer speaks"
    fi
}

clean_up() {
    local p
    [ -z "$SERVER" ] || kill -9 "$SERVER" 2>/dev/null
    for p in $(leftover); do
        kill -9 "$p" 2>/dev/null
    done
    if [ -n "${E2E_KEEP:-}" ]; then
        echo "# kept: $T"
    else
        chmod -R u+rwx "$T" 2>/dev/null
        rm -rf "$T" 2>/dev/null || { sleep 1 && rm -rf "$T"; }
    fi
}

finish() {
    FINISHED=1
    end_case
    server_stop
    check_nothing_left
    end_case
    [ "$FAILED" = 0 ] && exit 0
    exit 1
}

on_exit() {
    local code=$?
    [ -n "$FINISHED" ] || echo "not ok ${E2E_PREFIX:-}the script reaches its end"
    clean_up
    exit "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
