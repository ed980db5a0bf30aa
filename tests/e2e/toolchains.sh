#!/bin/bash
# toolchains - node of nvm and python of pyenv in a home directory, through the server: as root for root's project, as root
# for a project and a home of somebody else (0700 and 0600 throughout), and as an ordinary user. Cargo and go, if they are
# here: a project is built and tested without a network.
. "$(dirname "$0")/lib.sh"
ID=64321

fake_home() { # DIR: every file and directory only for its owner
    (
        umask 077
        mkdir -p "$1"/.nvm/versions/node/v{16.20.2,18.17.1}/{bin,etc} "$1"/.nvm/alias "$1"/.ssh "$1"/.cargo/bin \
            "$1"/.pyenv/{shims,bin,libexec} "$1"/.pyenv/versions/3.11.9/bin
        for v in v16.20.2 v18.17.1; do
            printf '#!/bin/sh\necho node %s\n' $v >"$1/.nvm/versions/node/$v/bin/node"
        done
        echo v16.20.2 >"$1/.nvm/alias/default"
        echo "//registry/:_authToken=SECRET" | tee "$1/.npmrc" "$1/.nvm/.npmrc" >"$1/.nvm/versions/node/v18.17.1/etc/npmrc"
        echo SECRET | tee "$1/.ssh/id_rsa" "$1/.netrc" >"$1/.cargo/credentials.toml"
        printf '#!%s/.pyenv/versions/3.11.9/bin/python3\n' "$1" >"$1/.pyenv/shims/tool"
        printf '#!/bin/sh\nexec "$PYENV_ROOT/versions/$(cat "$PYENV_ROOT/version")/bin/python3" "$@"\n' >"$1/.pyenv/shims/python3"
        cp "$1/.pyenv/shims/python3" "$1/.pyenv/shims/pytest"
        printf '#!/bin/sh\necho python of pyenv $1\n' >"$1/.pyenv/versions/3.11.9/bin/python3"
        echo 3.11.9 >"$1/.pyenv/version"
        find "$1" \( -path '*/bin/*' -o -path '*/shims/*' \) -type f -exec chmod 700 {} +
    )
}

# step PROJECT COMMAND...: one run, each question of its plan answered with yes
step() {
    local p=$1 c args=()
    shift
    for c; do args+=(--cmd "$c"); done
    new_run -p "$p" --review plan --on-failure discard "${args[@]}"
    wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
    ended "$R" succeeded
}

# play PROJECT HOME: what its steps see
play() {
    want 0 project show "$1"
    has "$T/out" ".nvm/versions/node/v18.17.1/bin"
    has "$T/out" "masked   $2/.nvm/versions/node/v18.17.1/etc/npmrc"
    step "$1" "node && python3 -m pytest && tool x; ls -A $2 $2/.nvm $2/.cargo; cat $2/.nvm/versions/node/*/etc/npmrc; ls /home /root" \
        'node > made-by-node'
    want 0 logs "$R"
    has "$T/out" "node v18.17.1"
    has "$T/out" "python of pyenv -m"
    has "$T/out" "python of pyenv $2/.pyenv/shims/tool"
    hasnt "$T/out" SECRET
    hasnt "$T/out" .npmrc
    hasnt "$T/out" .ssh
    hasnt "$T/out" credentials
    want 0 project set "$1" --toolchains none
    step "$1" '! command -v tool'
    want 0 project set "$1" --toolchains pyenv
    step "$1" "tool && ! ls -d $2/.nvm"
    want 0 project set "$1" --toolchains auto
}

project() { # DIR
    hello "$1"
    echo v18 >"$1/.nvmrc"
}

fake_home "$HOME"
project "$T/mine"

t "the toolchains of my own home work inside, its logins are not there"
server_start --workers 2
want 0 project add "$T/mine"
play mine "$HOME"
want 2 project set mine
want 2 project set mine --toolchains nvm,unheard
has "$T/err" pyenv
server_stop

t "a server can be told to show none, and says what is wrong with a name it does not know"
server_start --workers 2 --toolchains none
want 0 project show mine --json
eq "choice" "$(j '.settings.toolchains')" auto # of the project
want 0 project add "$ROOT/examples/hello" --name other
want 0 project show other --json
eq "choice" "$(j '.toolchains.choice')" none
want 0 project remove other
server_stop
timeout 20 "$SALLYPORT" serve --listen off --toolchains nvm,unheard >"$T/out" 2>&1 </dev/null
eq "exit code" "$?" 78
has "$T/out" unheard

t "as root, for the project of another user, that user's toolchains"
if [ "$(id -u)" != 0 ]; then
    skip "needs root"
else
    mkdir -p "$T/homes"
    chmod 711 "$T" "$T/homes"
    fake_home "$T/homes/alice"
    project "$T/hers"
    chown -hR $ID:$ID "$T/homes/alice" "$T/hers"
    cp /etc/passwd "$T/passwd"
    echo "alice:x:$ID:$ID::$T/homes/alice:/bin/sh" >>"$T/passwd"
    REAL=$SALLYPORT
    cat >"$T/with-alice" <<Y
#!/bin/sh
exec unshare -m sh -c 'mount --bind "$T/passwd" /etc/passwd && exec "$REAL" "\$@"' sh "\$@"
Y
    chmod 755 "$T/with-alice"
    SALLYPORT=$T/with-alice
    server_start --workers 2
    SALLYPORT=$REAL
    want 0 project add "$T/hers"
    play hers "$T/homes/alice"
    eq "owner of what was made" "$(stat -c %u "$T/hers/made-by-node")" $ID
    server_stop
fi

t "as an ordinary user, their own"
if [ "$(id -u)" != 0 ]; then
    skip "that was the first case"
else
    mkdir -p "$T/bin/src/daemon" "$T/bin/src/shim"
    cp "$REAL" "$T/bin/src/daemon/sallyport"
    cp "${SALLYPORT_SHIM:-$(dirname "$REAL")/../shim/sallyport-shim}" "$T/bin/src/shim/"
    rm -rf "$T/data"
    fake_home "$T/homes/bob"
    project "$T/his"
    mkdir -m 700 "$T/data"
    chown -hR $ID:$ID "$T/homes/bob" "$T/his" "$T/data" "$T/bin" "$T/tmp" "$T"
    cat >"$T/as-user" <<Y
#!/bin/sh
exec setpriv --reuid=$ID --regid=$ID --clear-groups --no-new-privs --inh-caps=-all env -u SALLYPORT_SHIM HOME="$T/homes/bob" \
    "$T/bin/src/daemon/sallyport" "\$@"
Y
    chmod 755 "$T/as-user"
    SALLYPORT=$T/as-user
    sp doctor
    if [ "$RC" = 16 ]; then
        skip "an ordinary user can build no sandbox on this host (sallyport doctor names the fix)"
    else
        has "$T/out" "toolchains in $T/homes/bob"
        server_start --workers 2
        want 0 project add "$T/his"
        play his "$T/homes/bob"
        server_stop
    fi
    SALLYPORT=$REAL
    rm -rf "$T/data"
fi

t "a project's own python environment is used"
mkdir -p "$T/py/tests"
printf 'import only_here\n\n\ndef test_it():\n    assert only_here.WORD == "venv"\n' >"$T/py/tests/test_it.py"
touch "$T/py/pytest.ini"
(cd "$T/py" && /usr/bin/python3 -m venv --without-pip --system-site-packages .venv) || fail "python3 -m venv"
echo 'WORD = "venv"' >"$(echo "$T"/py/.venv/lib/python3*/site-packages)/only_here.py"
server_start --workers 2
want 0 project add "$T/py"
new_run -p py --review plan --on-failure discard "run the tests"
wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
ended "$R" succeeded
want 0 logs "$R"
has "$T/out" "1 passed"
server_stop

offline() { # NAME DIR INTENT STEPS TEXT
    t "$1: $3, without a network"
    want 0 project add "$2" --name "$1"
    new_run -p "$1" "$3"
    wait_state "$R" "awaiting_review $FINAL" && want 0 approve "$R"
    WAIT=200 wait_state "$R" "awaiting_apply $FINAL"
    eq steps "$(field "$R" '[.steps[].command] | join(" | ")')" "$4"
    eq states "$(field "$R" '[.steps[].state] | unique | join(" ")')" succeeded
    want 0 logs "$R"
    has "$T/out" "$5"
    state_is "$R" succeeded || want 0 discard "$R"
}

server_start --workers 2
PATH=/usr/local/bin:/usr/bin:/bin
if ! command -v cargo >"$T/null"; then
    t "cargo: test, without a network"
    skip "cargo is not installed on this host (Debian: apt-get install cargo, 59 MB)"
else
    mkdir -p "$T/rust/src"
    printf '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n' >"$T/rust/Cargo.toml"
    printf '#[test]\nfn adds() {\n    assert_eq!(1 + 2, 3);\n}\n' >"$T/rust/src/lib.rs"
    offline rust "$T/rust" "clean, build and test" "cargo clean | cargo build | cargo test" "test result: ok. 1 passed"
fi
if ! command -v go >"$T/null"; then
    t "go: lint and test, without a network"
    skip "go is not installed on this host (Debian: apt-get install golang-go, 81 MB)"
else
    mkdir -p "$T/calc"
    printf 'module example.org/calc\n\ngo 1.19\n' >"$T/calc/go.mod"
    printf 'package calc\n\nfunc Add(a, b int) int { return a + b }\n' >"$T/calc/calc.go"
    printf 'package calc\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal()\n\t}\n}\n' >"$T/calc/calc_test.go"
    offline go "$T/calc" "代码检查，然后运行测试" "go vet ./... | go test ./..." "ok  	example.org/calc"
fi
finish
