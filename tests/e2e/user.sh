#!/bin/bash
# user - the main job as an ordinary user: no capability, no group, own data directory; and, as root started us, from root's
# point of view: files stay the user's.
. "$(dirname "$0")/lib.sh"
ME=$SALLYPORT

if [ "$(id -u)" = 0 ]; then
    # Everything the user needs is theirs: a copy of the programs (the build may lie where only root may look), and $T.
    mkdir "$T/bin" "$T/bin/src" "$T/bin/src/daemon" "$T/bin/src/shim"
    cp "$SALLYPORT" "$T/bin/src/daemon/sallyport"
    cp "$(dirname "$SALLYPORT")/../shim/sallyport-shim" "$T/bin/src/shim/"
    chmod 755 "$T"
    cat >"$T/bin/as-user" <<X
#!/bin/sh
exec setpriv --reuid=64321 --regid=64321 --clear-groups --no-new-privs --inh-caps=-all -- "$T/bin/src/daemon/sallyport" "\$@"
X
    chmod 755 "$T/bin/as-user"
    ME=$T/bin/as-user
fi
P=$T/hello
hello "$P"
[ "$(id -u)" != 0 ] || chown -R 64321:64321 "$P" "$T/home" "$T/tmp"
mkdir "$T/data" && chmod 700 "$T/data"
[ "$(id -u)" != 0 ] || chown 64321:64321 "$T" "$T/data"
SALLYPORT=$ME

t "an ordinary user's sandbox can be built here"
sp doctor
if [ "$RC" = 16 ] && grep -q '^ *absent *user namespace' "$T/out"; then
    skip "an ordinary user may not make user namespaces on this host (sallyport doctor names the fix)"
    finish
fi
eq "doctor" "$RC" 0
has "$T/out" "mode user"
server_start --workers 2
want 0 project add "$P"
tree_keep "$P" start

t "the main job: plan, approve, run, look, apply"
new_run "运行单测并生成报告" -p hello
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
eq state "$(field "$R" .state)" awaiting_apply
tree_same "$P" start
want 0 logs "$R"
has "$T/out" "ok greets"
want 0 apply "$R"
ended "$R" succeeded
there "$P/test-results.txt"
eq "owner of what was applied" "$(stat -c %u "$P/test-results.txt")" "$(stat -c %u "$P/Makefile")"
artifacts_ok "$R"

t "undo restores the tree exactly"
want 0 undo "$R" --yes
tree_undone "$P" start

t "a step is nobody's root: own uid, no capability, no network, no other files"
new_run -p hello --review none --cmd 'id -u; grep CapEff /proc/self/status; ls /root /home 2>&1; ls /sys/class/net 2>&1; true'
ended "$R" succeeded
want 0 logs "$R"
! grep -qx 0 "$T/out" || fail "the step runs as uid 0"
has "$T/out" "0000000000000000"

t "memory, time and output limits hold"
new_run -p hello --review none --on-failure discard --memory 64MiB --cmd 'head -c 900000000 /dev/zero | tail > /dev/null'
ended "$R" failed
eq "told as out of memory or refused" "$(field "$R" '.steps[0] | (.oom_killed or .exit_code != 0)')" true
new_run -p hello --review none --on-failure discard --timeout 1s --cmd 'sleep 60'
ended "$R" failed step_timeout

t "kill -9 of the server: the step goes on and is taken up again"
new_run -p hello --review none --cmd 'for i in $(seq 40); do echo line $i; sleep 0.1; done'
until_ok state_is "$R" running
sleep 1
server_kill9
server_start --workers 2
ended "$R" succeeded
want 0 logs "$R"
eq "every line once" "$(grep -c '^line ' "$T/out")" 40
finish
