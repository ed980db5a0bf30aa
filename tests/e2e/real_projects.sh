#!/bin/bash
# real_projects - repositories of others, from an intent in words to their tests' own counts: Debian's sources of hello
# (autotools), cjson (cmake), fribidi (meson) and sortedcontainers (python, pytest), and a node project with a dependency
# that npm fetched outside, as its user would. Discarded the tree is untouched; applied and undone it is as before.
# REAL_PROJECTS names some of them; user_jobs.sh plays those again as an ordinary user. (jansson.sh: one in more depth.)
. "$(dirname "$0")/lib.sh"
REAL=${REAL_PROJECTS:-hello cjson fribidi sortedcontainers node}
DEBIAN=$(for p in $REAL; do [ "$p" = node ] || echo "$p"; done)

# The system's own apt lists stay as they are: a list of sources, and a cache, of our own.
fetch() {
    local apt=$T/apt dsc
    mkdir -p "$apt/lists/partial" "$apt/parts" "$apt/src" "$apt/cache/archives/partial"
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$apt/parts/src.sources"
    else
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$apt/parts/src.list"
    fi
    set -- -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un 2>/dev/null || echo root)"
    (cd "$apt/src" && apt-get "$@" update && apt-get "$@" source --download-only $DEBIAN) >"$T/apt.log" 2>&1 || return 1
    for dsc in "$apt"/src/*.dsc; do
        dpkg-source -x "$dsc" "$T/$(basename "${dsc%%_*}")" >>"$T/apt.log" 2>&1 || return 1
    done
    rm -rf "$apt"
}

node_project() { # DIR
    mkdir -p "$1/test"
    cat >"$1/package.json" <<'Y'
{"name": "durations", "version": "1.0.0", "private": true, "scripts": {"test": "node --test", "lint": "node --check index.js"}}
Y
    cat >"$1/index.js" <<'Y'
const ms = require('ms')
exports.total = (list) => list.map((s) => ms(s)).reduce((a, b) => a + b, 0)
Y
    cat >"$1/test/index.test.js" <<'Y'
const test = require('node:test')
const assert = require('node:assert')
const { total } = require('..')
test('one', () => assert.strictEqual(total(['2s']), 2000))
test('many', () => assert.strictEqual(total(['1m', '1s']), 61000))
test('none', () => assert.strictEqual(total([]), 0))
Y
    (cd "$1" && npm install --no-audit --no-fund --save-exact ms@2.1.3 && rm -rf node_modules && npm ci --no-audit --no-fund)
}

# job PROJECT INTENT: plan, approve, run; its output is in $T/out
job() {
    new_run -p "$1" --timeout 5m "$2"
    wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
    WAIT=300 wait_state "$R" "awaiting_apply $FINAL"
    want 0 logs "$R"
}

# real PROJECT INTENT STEPS TEXT [FILE]: the steps of the plan, what the tests say of themselves, a file the run makes
real() {
    t "$1: $2"
    want 0 project add "$T/$1" --name "$1"
    tree_keep "$T/$1" "$1"
    job "$1" "$2"
    eq steps "$(field "$R" '[.steps[].command] | join(" | ")')" "$3"
    eq states "$(field "$R" '[.steps[].state] | unique | join(" ")')" succeeded
    grep -aqE -e "$4" "$T/out" || { fail "no \"$4\" in what the tests wrote"; said; }
    tree_same "$T/$1" "$1"
    if [ -n "${5:-}" ]; then
        want 0 diff "$R" --json
        eq "$5 is added" "$(jq --arg f "$5" '[.items[] | select(.path == $f and .kind == "added")] | length' "$T/out")" 1
        want 0 discard "$R"
        ended "$R" rejected changes_discarded
    else
        ended "$R" succeeded # no change: nothing to decide
    fi
    tree_same "$T/$1" "$1"
}

# kept PROJECT COMMAND FILE: a change is applied, and undone
kept() {
    t "$1: apply and undo"
    new_run -p "$1" --cmd "$2"
    wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
    wait_state "$R" "awaiting_apply $FINAL"
    want 0 apply "$R"
    ended "$R" succeeded
    there "$T/$1/$3"
    want 0 undo "$R" --yes
    tree_undone "$T/$1" "$1"
}

if [ -n "$DEBIAN" ] && ! fetch; then
    t "Debian's sources of" $DEBIAN "can be fetched"
    fail "$(tail -n 3 "$T/apt.log")"
    finish
fi
server_start --workers 2

for p in $REAL; do
    case $p in
    hello)
        real hello "build, then run the tests" "./configure | make | make check" "^# PASS: +[1-9]" src/hello.o
        ;;
    cjson)
        real cjson "run the tests with cmake" \
            "cmake -S . -B build | cmake --build build | ctest --test-dir build --output-on-failure" \
            "100% tests passed, 0 tests failed out of [1-9]" build/libcjson.so
        ;;
    fribidi)
        real fribidi "用 meson 运行测试" \
            "meson setup build | meson compile -C build | meson test -C build --print-errorlogs" \
            "^Ok: +[1-9]" build/build.ninja
        ;;
    sortedcontainers)
        real sortedcontainers "运行单元测试并生成报告" "python3 -m pytest" "[1-9][0-9]* passed" .pytest_cache/README.md
        kept sortedcontainers "python3 -c 'import sortedcontainers as s; print(list(s.SortedList([2, 1])))' > sorted.txt" sorted.txt
        ;;
    node)
        t "node: npm ci, outside"
        node_project "$T/node" >"$T/out" 2>&1 </dev/null || {
            fail "npm cannot fetch what the project needs"
            said
            finish
        }
        real node "lint and test" "npm run lint | npm test" "^(#|ℹ) pass 3$"
        kept node "npm run lint && node -e 'console.log(require(\".\").total([\"1m\"]))' > total.txt" total.txt
        ;;
    esac
done
finish
