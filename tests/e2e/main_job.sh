#!/bin/bash
# main_job - the whole job through the command line: plan, first door, sandbox, second door, apply, undo; and every other
# way a run can end.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

approved() { # ARG...: a run whose plan was approved
    new_run -p hello "$@"
    wait_state "$R" awaiting_review && want 0 approve "$R"
}

at_second_door() {
    approved "$@"
    wait_state "$R" awaiting_apply
}

hello "$P"
server_start --workers 2

# ---- the job of the issue ------------------------------------------------------

t "a project is added once, listed and shown"
want 0 project add "$P"
want 5 project add "$P"
want 0 project list --json
eq "projects" "$(j '.items | length')" 1
want 0 project show hello --json
eq "root" "$(j .root_path)" "$P"
want 4 project show nosuch
want 4 project add "$T/nosuch"

t "an intent in English is planned, judged and waits at the first door"
tree_keep "$P" start
want 9 run "run the unit tests and write a report" -p hello
has "$T/out" "make test"
has "$T/out" "allow  rule build"
has "$T/err" "sallyport approve run_"
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
wait_state "$R" awaiting_review
want 0 plan "$R" --json
eq "command" "$(j '.steps[0].command')" "make test"
eq "decision" "$(j '.steps[0].decision.action')" allow
tree_same "$P" start

t "approved from another terminal it runs, and waits at the second door with the project untouched"
want 0 approve "$R"
wait_state "$R" awaiting_apply
want 0 logs "$R"
has "$T/out" "ok greets"
want 0 show "$R"
has "$T/out" "awaiting_apply"
want 0 diff "$R" --json
eq "changes" "$(j '[.items[] | "\(.kind) \(.path)"] | join(", ")')" \
    "added hello, added test-results.txt, added tests/unit"
eq "refused" "$(j .refused)" 0
want 0 diff "$R" test-results.txt
has "$T/out" "+ok greets"
hasnt "$T/out" "tests/unit"
tree_same "$P" start

t "applied, the project has exactly the changes"
want 0 apply "$R"
has "$T/out" "succeeded in"
eq "git status" "$(git --no-optional-locks -C "$P" status --porcelain --ignored | tr '\n' ' ')" "?? test-results.txt !! hello !! tests/unit "
"$P/hello" >"$T/out"
has "$T/out" "Hello, world!"
ended "$R" succeeded
artifacts_ok "$R"
has "$T/artifact.report.md" "make test"
has "$T/artifact.diff.patch" "test-results.txt"

t "undone, the tree is as before: contents, modes, times"
want 2 undo "$R" </dev/null
want 0 undo "$R" --yes
tree_undone "$P" start
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
eq "kind" "$(field "$R" .kind)" undo
artifacts_ok "$R"

t "the same in Chinese, all answers given by --yes"
want 0 run "运行单测并生成报告" -p hello --yes
has "$T/out" "运行单元测试"
has "$T/out" "| ok greets"
has "$T/out" "succeeded in"
there "$P/test-results.txt"
want 0 undo last -y
tree_undone "$P" start

t "an intent that is not understood says what would be"
want 2 run "make me a sandwich" -p hello
has "$T/out" "sandwich"
has "$T/out" "test (make test)"
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
ended "$R" failed intent_not_understood
artifacts_ok "$R"

t "on a terminal both doors are asked, and an answer from elsewhere counts too"
if command -v script >/dev/null; then
    mkfifo "$T/keys"
    exec 7<>"$T/keys"
    TERM=xterm script -qefc "'$SALLYPORT' run 'run the unit tests' -p hello; echo \"exit=\$?\"" "$T/screen" <"$T/keys" \
        >"$T/screen.out" 2>&1 &
    until_ok grep -asq 'approve?' "$T/screen" && want 0 approve last
    until_ok grep -asq 'apply?' "$T/screen" && echo d >&7
    until_ok grep -asq '+ok greets' "$T/screen" && echo y >&7
    until_ok grep -asq 'exit=0' "$T/screen"
    wait $!
    exec 7>&-
    has "$T/screen" "succeeded in"
    there "$P/test-results.txt"
    want 0 undo last -y
    tree_undone "$P" start
else
    skip "there is no script(1)"
fi

# ---- explicit steps ------------------------------------------------------------

t "explicit steps run in order, each on the files of the one before; stdout and stderr are told apart"
at_second_door --cmd 'echo one; echo two >&2; echo x > a.txt' --cmd 'cat a.txt; echo y >> a.txt; echo three >&2'
want 0 logs "$R"
eq "stdout" "$(tr '\n' ' ' <"$T/out")" "one x "
eq "stderr" "$(tr '\n' ' ' <"$T/err")" "two three "
want 0 logs "$R" --step 2
eq "stdout of step 2" "$(tr '\n' ' ' <"$T/out")" "x "
want 0 logs "$R" --json
eq "streams" "$(jq -r 'select(.data.stream == "stderr") | .data.text' "$T/out" | tr '\n' ' ')" "two  three  "
want 0 discard "$R"
ended "$R" rejected changes_discarded
artifacts_ok "$R"
tree_same "$P" start

t "some files are applied, the rest is thrown away"
at_second_door --cmd 'echo 1 > one.txt; echo 2 > two.txt; mkdir sub; echo 3 > sub/three.txt'
want 2 apply "$R" nosuch.txt
has "$T/err" "not among the changes"
want 0 apply "$R" one.txt sub
ended "$R" succeeded
there "$P/one.txt"
there "$P/sub/three.txt"
gone "$P/two.txt"
want 0 undo "$R" -y
tree_undone "$P" start

t "an undo of a file that moved on since restores nothing and names it"
at_second_door --cmd 'echo run > moved.txt; echo run > other.txt'
want 0 apply "$R"
echo mine >"$P/moved.txt"
want 15 undo "$R" -y
has "$T/out" "moved.txt"
eq "my edit" "$(cat "$P/moved.txt")" mine
there "$P/other.txt"
rm "$P/moved.txt" "$P/other.txt"
tree_keep "$P" start

t "a plan is rejected: nothing runs"
new_run -p hello --cmd 'touch never'
wait_state "$R" awaiting_review && want 0 reject "$R" --note "not now"
ended "$R" rejected plan_rejected
want 5 approve "$R"
eq "steps run" "$(field "$R" '[.steps[] | select(.started_at)] | length')" 0
artifacts_ok "$R"
has "$T/artifact.audit.json" "not now"
tree_same "$P" start

# ---- cancel --------------------------------------------------------------------

t "cancel while a step runs kills it and all it started"
approved --cmd 'touch made; sleep 1000 & sleep 1001; touch after'
until_ok state_is "$R" running
want 0 cancel "$R"
ended "$R" canceled canceled_by_user
until_ok nothing_left
artifacts_ok "$R"
want 5 cancel "$R"
tree_same "$P" start

t "cancel while the run is queued"
new_run -p hello --review none --cmd 'sleep 1000'
A=$R
new_run -p hello --review none --cmd 'sleep 1000'
B=$R
until_ok state_is "$A" running
until_ok state_is "$B" running
new_run -p hello --review none --cmd 'touch never'
eq "state" "$(field "$R" .state)" queued
want 0 queue --json
eq "ready" "$(j .ready)" 1
want 0 cancel "$R"
want 0 cancel "$A"
want 0 cancel "$B"
ended "$R" canceled canceled_by_user
ended "$A" canceled
ended "$B" canceled
artifacts_ok "$R"
artifacts_ok "$A"

t "cancel at the first and at the second door"
new_run -p hello --cmd 'touch never'
wait_state "$R" awaiting_review && want 0 cancel "$R"
ended "$R" canceled canceled_by_user
artifacts_ok "$R"
at_second_door --cmd 'touch made'
want 0 cancel "$R"
ended "$R" canceled canceled_by_user
artifacts_ok "$R"
tree_same "$P" start

t "cancel while a step waits for an answer"
new_run -p hello --review none --cmd 'curl --version'
wait_state "$R" awaiting_approval && want 0 cancel "$R"
ended "$R" canceled canceled_by_user
artifacts_ok "$R"

t "Ctrl-C cancels the run that the command follows, and ends with 130"
timeout 120 env --default-signal=INT "$SALLYPORT" run -p hello --review none --cmd 'echo begun; sleep 1000' >"$T/out" 2>"$T/err" </dev/null &
until_ok grep -sq "| begun" "$T/out"
R=$(grep -o 'run_[0-9A-Z]*' "$T/out" | head -n 1)
for p in $(pgrep -f "^$SALLYPORT run -p hello --review none --cmd echo begun"); do kill -INT "$p"; done
wait $!
eq "exit code" "$?" 130
ended "$R" canceled canceled_by_user

# ---- steps that fail -------------------------------------------------------------

t "a failing step ends the run, says its exit code, and its changes can still be reviewed"
new_run -p hello --cmd 'echo half > half.txt; exit 3' --cmd 'touch never'
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" awaiting_apply
eq "steps" "$(field "$R" '[.steps[] | "\(.state) \(.exit_code)"] | join(", ")')" "failed 3, skipped null"
eq "outcome" "$(field "$R" .outcome)" failed
want 0 diff "$R"
has "$T/out" "+half"
want 0 apply "$R"
ended "$R" failed step_failed
there "$P/half.txt"
artifacts_ok "$R"
want 0 undo "$R" -y
tree_undone "$P" start

t "with --on-failure discard the changes of a failed run are gone"
want 12 run -p hello -y --on-failure discard --cmd 'touch half.txt; exit 7'
has "$T/out" "exit code 7"
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
ended "$R" failed step_failed
artifacts_ok "$R"
tree_same "$P" start

t "a step that is killed by a signal says which"
want 12 run -p hello --review none --on-failure discard --cmd 'kill -SEGV $$; sleep 100'
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
eq "signal" "$(field "$R" '.steps[0].signal')" 11
eq "exit code" "$(field "$R" '.steps[0].exit_code')" null
artifacts_ok "$R"

t "a step that takes too long is ended, with all it started"
want 14 run -p hello --review none --on-failure discard --timeout 500ms --cmd 'sleep 1000 & sleep 1000'
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
ended "$R" failed step_timeout
eq "timed out" "$(field "$R" '.steps[0].timed_out')" true
until_ok nothing_left
artifacts_ok "$R"

t "a step that needs too much memory is killed, and says so"
want 12 run -p hello --review none --on-failure discard --memory 128MiB \
    --cmd 'head -c 600M /dev/zero | tail -c 500M | wc -c; exit 9' --timeout 50s
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
eq "oom" "$(field "$R" '.steps[0].oom_killed')" true
want 0 show "$R"
has "$T/out" "memory"
artifacts_ok "$R"

t "--yes does not apply what a failed run left"
tree_keep "$P" before_failed
want 12 run -p hello --yes --cmd 'echo half > half-done; exit 3'
has "$T/err" "discarded"
tree_same "$P" before_failed

t "a command that is not there is exit code 127, a directory that is not there an error"
want 12 run -p hello --yes --on-failure discard --cmd 'nosuchprogram'
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
want_api 202 POST /runs '{"project_id":"hello","review":"none","steps":[{"argv":["true"],"cwd":"nosuch"}]}'
R=$(j .id)
wait_state "$R" "$FINAL"
eq "state" "$(field "$R" .state)" failed
[ -n "$(field "$R" '.steps[0].error // empty')" ] || fail "the step has no error"
artifacts_ok "$R"

t "output beyond its limit is dropped and marked; the step goes on"
want_api 202 POST /runs '{"project_id":"hello","review":"none","limits":{"output_bytes":65536},
    "steps":[{"command":"yes | head -c 1000000; echo end >&2; exit 0"}]}'
R=$(j .id)
ended "$R" succeeded
eq "truncated" "$(field "$R" '.steps[0].log_truncated')" true
want 0 logs "$R"
[ "$(cat "$T/out" "$T/err" | wc -c)" -le 70000 ] || fail "the log is larger than its limit"
artifacts_ok "$R"

# ---- questions ---------------------------------------------------------------------

t "without plan review a command the policy asks about waits for an answer; allowed, it runs"
want 9 run -p hello --review none --cmd 'curl --version >/dev/null 2>&1; echo answered'
has "$T/err" "sallyport allow apr_"
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
wait_state "$R" awaiting_approval
want 0 approvals --json
A=$(j ".items[] | select(.run_id == \"$R\") | .id")
want 0 allow "$A"
ended "$R" succeeded
want 5 allow "$A"
want 5 deny "$A"
want 0 logs "$R"
has "$T/out" "answered"
artifacts_ok "$R"

t "denied, it does not run"
new_run -p hello --review none --cmd 'curl --version; touch never'
wait_state "$R" awaiting_approval
want 0 approvals --json
A=$(j ".items[] | select(.run_id == \"$R\") | .id")
want 0 deny "$A" --note "no network here"
ended "$R" failed approval_denied
eq "step" "$(field "$R" '.steps[0].state')" denied
artifacts_ok "$R"
has "$T/artifact.audit.json" "no network here"
tree_same "$P" start

# ---- policy ------------------------------------------------------------------------

t "rm -rf / is denied, nothing runs, and it is audited"
want 10 run -p hello --yes --cmd 'rm -rf /'
has "$T/out" "no-root-wipe"
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
ended "$R" failed policy_denied
eq "steps run" "$(field "$R" '[.steps[] | select(.started_at)] | length')" 0
artifacts_ok "$R"
has "$T/artifact.audit.json" "no-root-wipe"
want 0 audit --run "$R" --json
has "$T/out" "policy_denied"

t "in disguise it is denied as well, and what cannot be known is asked"
want 10 run -p hello --yes --cmd 'bash -c "cd /tmp; rm -r -f /"'
want 10 run -p hello --yes --cmd 'make test && env X=1 timeout 5 rm -fr -- /'
want 10 run -p hello --review none --cmd 'echo ok' --cmd 'find / -name x -exec rm -rf / \;'
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
eq "steps run" "$(field "$R" '[.steps[] | select(.started_at)] | length')" 0
want 10 policy test 'sudo sh -c "rm -rf /"'
want 10 policy test '$(echo rm) -rf /'
want 9 policy test '$(cat tool) -rf /'
new_run -p hello --review none --cmd '$(cat tool) -rf /'
wait_state "$R" awaiting_approval
want 0 cancel "$R"
ended "$R" canceled
tree_same "$P" start

t "an edited policy is a new version and is used at once; one with problems is named and not taken"
cat >"$T/edit" <<'X'
#!/bin/sh
sed -i 's/^rules:$/&\n  - {id: no-date, decision: deny, command: {program: date}, reason: "time is a secret"}/' "$1"
X
chmod +x "$T/edit"
edit() { # needs a terminal; without script(1) the same edit is made on a file
    if command -v script >/dev/null; then
        EDITOR=$T/edit VISUAL= TERM=xterm timeout 60 script -qec "'$SALLYPORT' policy edit" "$T/screen" >"$T/out" 2>&1 </dev/null
    else
        "$SALLYPORT" policy show >"$T/policy.edited" </dev/null && "$T/edit" "$T/policy.edited" && want 0 policy set "$T/policy.edited"
    fi
}
want 0 policy test date
edit
want 10 policy test date
has "$T/out" "time is a secret"
want 10 run -p hello --yes --cmd date
want 0 policy versions --json
eq "versions" "$(j '.items[0].version')" 1
want 0 policy show --version 0
hasnt "$T/out" "no-date"
cp "$T/out" "$T/policy0"
printf 'version: 1\ndefault: maybe\nrules:\n  - {decision: allow}\n' >"$T/bad.yaml"
want 2 policy set "$T/bad.yaml"
has "$T/err" "default"
want 10 policy test date
want 0 policy set "$T/policy0"
want 0 policy test date

t "a candidate policy is held against past runs before it is in force"
want 0 policy replay --since 1d
has "$T/out" "then deny  rule no-date: time is a secret"
has "$T/out" ": 1 in 1 runs would have got another answer"
cp "$T/policy0" "$T/strict.yaml"
sed -i 's/^rules:$/&\n  - {id: no-make, decision: deny, command: {program: make}, reason: "make is not for us"}/' "$T/strict.yaml"
want 10 policy replay "$T/strict.yaml" --since 1d -p hello
has "$T/out" "rule no-make: make is not for us"
hasnt "$T/out" ": 1 in 1 runs"
want 10 policy replay "$T/strict.yaml" --json
eq "then" "$(j '[.items[].steps[] | select(.now.rule == "no-make") | .then.action] | unique | index("allow") != null')" true
want 2 policy replay "$T/bad.yaml"
want 4 policy replay -p nowhere
want 2 policy replay --since soon

t "a denial between approval and run wins: the policy judges again"
new_run -p hello --cmd 'sleep 1' --cmd date
wait_state "$R" awaiting_review
edit
sp approve "$R"
ended "$R" failed policy_denied
want 0 policy set "$T/policy0"
artifacts_ok "$R"

# ---- secrets -----------------------------------------------------------------------

t "the value of a secret is in no log, event, artifact, row or process list"
printf 'hunter2-%s-%s' "$RANDOM$RANDOM" "correct-horse" >"$T/home/needle"
MY_TOKEN=$(cat "$T/home/needle")
export MY_TOKEN
new_run -p hello -e MY_TOKEN --cmd 'echo "token=$MY_TOKEN"; echo "err $MY_TOKEN" >&2; printf "%s" "${MY_TOKEN%horse}"; sleep 0.2; echo "${MY_TOKEN#*correct-}"; sleep 2; [ ${#MY_TOKEN} -gt 20 ]'
unset MY_TOKEN
wait_state "$R" awaiting_review
seen() { # $1: when
    ! grep -rasqFf "$T/home/needle" "$T/data" || fail "$1: in $(grep -rasFlf "$T/home/needle" "$T/data" | tr '\n' ' ')"
    ! grep -aqFf "$T/home/needle" "$T/server.log" || fail "$1: in the server's log"
    ! cat /proc/[0-9]*/cmdline 2>/dev/null | grep -aqFf "$T/home/needle" || fail "$1: in a process's command line"
}
seen "before it ran"
want 0 approve "$R"
until_ok state_is "$R" running
until_ok eval "'$SALLYPORT' logs $R 2>/dev/null | grep -q token="
seen "while it ran"
ended "$R" succeeded
seen "after it ran"
want 0 logs "$R"
cat "$T/err" >>"$T/out"
! grep -aqFf "$T/home/needle" "$T/out" || fail "in the log"
has "$T/out" "token="
want_api 200 GET "/runs/$R/events" "" -H "Accept: application/json"
! grep -aqFf "$T/home/needle" "$T/out" || fail "in an event"
has "$T/out" MY_TOKEN
artifacts_ok "$R"
! cat "$T"/artifact.* | grep -aqFf "$T/home/needle" || fail "in an artifact"

# ---- audit -------------------------------------------------------------------------

t "the audit chain is whole, online and exported; a flipped byte, a lost record and a cut tail are found"
want 0 audit verify
want 0 audit export -o "$T/audit.jsonl"
want 0 audit verify "$T/audit.jsonl"
sed '5s/"action":"\(.\)/"action":"x\1/' "$T/audit.jsonl" >"$T/bad.jsonl"
want 20 audit verify "$T/bad.jsonl"
cat "$T/err" >>"$T/out"
has "$T/out" "5"
sed 7d "$T/audit.jsonl" >"$T/bad.jsonl"
want 20 audit verify "$T/bad.jsonl"
head -n -1 "$T/audit.jsonl" | head -n -1 >"$T/bad.jsonl"
tail -n 1 "$T/audit.jsonl" >>"$T/bad.jsonl"
want 20 audit verify "$T/bad.jsonl"
head -n -1 "$T/audit.jsonl" >"$T/headless.jsonl" # who cuts the tail can cut the head too
want 20 audit verify "$T/headless.jsonl"
sed '$s/,"signature":"[0-9a-f]*"//' "$T/audit.jsonl" >"$T/unsigned.jsonl"
want 20 audit verify "$T/unsigned.jsonl"

# ---- every command -----------------------------------------------------------------

t "every command has help with an example"
want 0 help
"$SALLYPORT" help </dev/null | sed -n 's/^  \([a-z][a-z]*\)\( [a-z][a-z]*\)\{0,1\}  .*/\1\2/p' >"$T/commands"
[ "$(wc -l <"$T/commands")" -ge 25 ] || fail "only $(wc -l <"$T/commands") commands in the help"
while read -r c; do
    # shellcheck disable=SC2086
    want 0 $c --help
    has "$T/out" "xample"
    grep -qi "exit code" "$T/out" || fail "$c --help names no exit codes"
done <"$T/commands"

t "every command prints JSON that parses with --json"
json() { # CODE ARG...
    want "$@" --json
    jq -e . "$T/out" >/dev/null 2>"$T/jq" || {
        fail "sallyport ${*:2}: not JSON: $(head -c 200 "$T/out") $(cat "$T/jq")"
        head -n 3 "$T/err"
    }
}
mkdir "$T/second"
json 0 project add "$T/second" --name second
json 0 project list
json 0 project show second
json 0 project remove second
json 0 run -p hello --review none --cmd 'echo hi; echo ho >&2'
json 9 run -p hello --cmd 'touch never'
R=$(jq -r 'select(.id != null and .kind != null) | .id' "$T/out" | head -n 1)
json 0 plan "$R"
json 0 reject "$R"
json 0 run -p hello -d --cmd 'touch json.txt'
R=$(j .id)
wait_state "$R" awaiting_review
json 0 approve "$R"
wait_state "$R" awaiting_apply
json 0 show "$R"
want 0 logs "$R" --json # nothing was printed: no line
json 0 diff "$R"
json 0 apply "$R"
json 0 artifacts "$R"
json 0 undo "$R" -y
json 0 run -p hello -d --cmd 'touch json.txt'
R=$(j .id)
wait_state "$R" awaiting_review
want 0 approve "$R"
wait_state "$R" awaiting_apply
json 0 discard "$R"
json 0 run -p hello -d --cmd 'sleep 1'
json 0 cancel "$(j .id)"
for answer in allow deny; do
    new_run -p hello --review none --cmd 'curl --version >/dev/null 2>&1; true'
    wait_state "$R" awaiting_approval
    json 0 approvals
    json 0 $answer "$(j ".items[] | select(.run_id == \"$R\") | .id")"
done
json 0 approvals --all
json 0 runs
json 0 policy show
json 0 policy versions
json 0 policy test true
json 0 policy set "$T/policy0"
json 0 audit
json 0 audit verify
json 0 audit verify "$T/audit.jsonl"
json 20 audit verify "$T/bad.jsonl"
json 0 audit export
json 0 token new --name json --scope run:read
TOKEN_ID=$(j .id)
json 0 token list
json 0 token revoke "$TOKEN_ID"
json 0 doctor
json 0 status
json 0 whoami
json 0 queue
json 0 reconcile
json 0 version

t "wrong use, unknown things, no rights, no server, no sandbox have their exit codes"
want 2 frobnicate
want 2 run
want 2 run -p hello --cmd true --review maybe
want 2 run -p hello --cmd true --timeout soon
want 4 show run_00000000000000000000000000
want 4 run -p nosuch --cmd true
want 0 token new --name reader --scope run:read --json
j .token >"$T/reader"
want 0 runs --url "$(base)" --token-file "$T/reader"
want 3 run -p hello --cmd true --url "$(base)" --token-file "$T/reader"
has "$T/err" "scope"
echo sp_nonsense >"$T/reader"
want 3 runs --url "$(base)" --token-file "$T/reader"
want 6 runs --url http://127.0.0.1:1
has "$T/err" "sallyport serve"
want 4 audit verify "$T/nosuch.jsonl"
if [ ! -e /usr/libexec/sallyport/sallyport-shim ] && [ ! -e /usr/local/libexec/sallyport/sallyport-shim ]; then
    mkdir -p "$T/alone/bin"
    cp "$SALLYPORT" "$T/alone/bin/sallyport"
    SALLYPORT_SHIM=/nonexistent "$T/alone/bin/sallyport" doctor >"$T/out" 2>"$T/err" </dev/null
    eq "doctor without a shim" "$?" 16
fi
exec 8> >(exit)
until_ok gone_pid $!
"$SALLYPORT" audit --limit 0 >&8 2>"$T/err" </dev/null
eq "stdout closed" "$?" 141
exec 8>&-

tree_undone "$P" start
finish
