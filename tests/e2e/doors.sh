#!/bin/bash
# doors - the second door: what is shown is what is applied, what must never be applied is refused and shown, a project
# that moved on under the run is left alone, and diff.patch means the same to git.
# sanitizers: yes
. "$(dirname "$0")/lib.sh"
P=$T/hello

at_second_door() { # COMMAND
    new_run -p hello --cmd "$1"
    wait_state "$R" awaiting_review && want 0 approve "$R"
    wait_state "$R" "awaiting_apply $FINAL"
    eq state "$(field "$R" .state)" awaiting_apply
    eq step "$(field "$R" '.steps[0].state')" succeeded
    want 0 diff "$R" --json
    cp "$T/out" "$T/changes"
}
kinds() { jq -r '[.items[] | select(.refused == null) | "\(.kind) \(.path)"] | join(", ")' "$T/changes"; }
refused() { jq -r '[.items[] | select(.refused) | .path] | join(", ")' "$T/changes"; }

# What git keeps of a tree: files with content and the executable bit, and links.
git_tree() {
    (
        cd "$1" || exit 1
        find . -name .git -prune -o -type f -perm -100 -printf 'x %P\0' -o -type f -printf 'f %P\0' -o \
            -type l -printf 'l %P -> %l\0' | LC_ALL=C sort -z
        find . -name .git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z
    )
}

umask 022
hello "$P"
printf 'one\ntwo\nthree\n' >"$P/text"
printf 'no newline' >"$P/bare"
printf 'a\0b\377\n' >"$P/binary"
printf '#!/bin/sh\necho hi\n' >"$P/script"
mkdir -p "$P/old/deep" "$P/gone"
echo x >"$P/old/deep/x"
echo y >"$P/old/y"
echo z >"$P/gone/z"
ln -s text "$P/link"
echo was >"$P/becomes-dir"
mkdir "$P/becomes-file"
echo in >"$P/becomes-file/in"
echo deny >"$P/locked"
chmod 640 "$P/locked"
chmod 755 "$P/script"
server_start --workers 2
want 0 project add "$P"

# ---- what is applied ---------------------------------------------------------------

t "every kind of change is shown, applied, and means the same to git"
tree_keep "$P" start
cp -a "$P" "$T/fresh"
at_second_door 'set -e
echo four >> text; printf "still none" > bare; printf "c\0d\376\n" > binary; head -c 100000 /dev/urandom > random.bin
chmod 644 script; chmod 755 greet.c; rm old/y; rm -r gone; mkdir -p new/dirs/deep; echo n > new/dirs/deep/n; : > empty
rm link; ln -s bare link; ln -s greet.h new/alias; rm becomes-dir; mkdir becomes-dir; echo d > becomes-dir/d
rm -r becomes-file; echo f > becomes-file; printf "crlf\r\nlines\r\n" > crlf; mv hello.c moved.c
touch Makefile; cat Makefile > Makefile.tmp; cat Makefile.tmp > Makefile; rm Makefile.tmp; echo new > locked'
eq "refused" "$(refused)" ""
for line in "modified text" "modified bare" "modified binary" "added random.bin" "mode script" "mode greet.c" "deleted old/y" \
    "deleted gone/z" "added new/dirs/deep/n" "added empty" "modified link" "added new/alias" "added becomes-dir/d" \
    "added crlf" "deleted hello.c" "added moved.c" "modified locked"; do
    kinds | grep -qF "$line" || fail "not shown: $line: $(kinds)"
done
! kinds | grep -q Makefile || fail "an identical copy is shown as a change"
want 0 artifacts "$R" # none yet
want 0 diff "$R"
cp "$T/out" "$T/shown.patch"
tree_same "$P" start
want 0 apply "$R"
ended "$R" succeeded
artifacts_ok "$R"
cmp -s "$T/shown.patch" "$T/artifact.diff.patch" || fail "diff.patch is not the diff that was shown"
eq "text" "$(tail -n 1 "$P/text")" four
eq "mode of script" "$(stat -c %a "$P/script")" 644
eq "mode of a rewritten file" "$(stat -c %a "$P/locked")" 640
eq "link" "$(readlink "$P/link")" bare
gone "$P/gone"
gone "$P/hello.c"
there "$P/becomes-dir/d"
eq "becomes-file" "$(cat "$P/becomes-file")" f
git -C "$T/fresh" apply --allow-empty --check "$T/artifact.diff.patch" >"$T/out" 2>&1 || {
    fail "git apply --check refuses it"
    said
}
git -C "$T/fresh" apply --allow-empty "$T/artifact.diff.patch" >"$T/out" 2>&1
git_tree "$T/fresh" >"$T/tree.git"
git_tree "$P" >"$T/tree.ours"
cmp -s "$T/tree.git" "$T/tree.ours" || {
    fail "git makes another tree of it"
    diff <(tr '\0' '\n' <"$T/tree.git") <(tr '\0' '\n' <"$T/tree.ours") | head -n 20 | sed 's/^/#   | /'
}

t "its undo restores the tree, and the undo's patch takes git back too"
want 0 undo "$R" -y
tree_same "$P" start
U=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
artifacts_ok "$U"
git -C "$T/fresh" apply --allow-empty "$T/artifact.diff.patch" >"$T/out" 2>&1 || {
    fail "git apply refuses the undo's patch"
    said
}
git_tree "$T/fresh" >"$T/tree.git"
git_tree "$P" >"$T/tree.ours"
cmp -s "$T/tree.git" "$T/tree.ours" || fail "git makes another tree of it"

t "a run that changed nothing has an empty patch that git takes, and ends without a second door"
want 0 run -p hello --yes --cmd 'cat text >/dev/null'
R=$("$SALLYPORT" runs --json | jq -r '.items[0].id')
artifacts_ok "$R"
empty "$T/artifact.diff.patch"
git -C "$T/fresh" apply --allow-empty "$T/artifact.diff.patch" || fail "git refuses the empty patch"

t "odd names: newline, blank, quote, backslash, tab, not UTF-8, leading dash, glob"
rm -rf "$T/fresh"
cp -a "$P" "$T/fresh"
at_second_door 'set -e; mkdir odd; cd odd; n=$(printf "new\nline"); echo 1 > "$n"; echo 2 > "with blank"; echo 3 > "quote\"d"
echo 4 > "back\\slash"; t=$(printf "t\tab"); echo 5 > "$t"; b=$(printf "b\377d"); echo 6 > "$b"; echo 7 > ./-dash; echo 8 > "st*r"
echo 9 > "名字"; echo 10 > "'"'"'"; mkdir -p -- "-d/ x "; echo 11 > "-d/ x /ende "'
eq "files" "$(jq .files "$T/changes")" 11
eq "bytes of the odd one" "$(jq -r '.items[] | select(.path_b64) | .path_b64' "$T/changes" | base64 -d | od -An -tx1 | tr -d ' \n')" \
    "6f64642f62ff64"
want 0 show "$R"
want 0 logs "$R"
want 0 apply "$R"
for shown in "\$'odd/b\\377d'" "\$'odd/new\\nline'" "'odd/with blank'" "odd/名字  +1 −0  2 B"; do has "$T/out" "A $shown"; done
ended "$R" succeeded
eq "names" "$(find "$P/odd" -type f | wc -l)" 12
eq "not UTF-8" "$(cat "$P/odd/$(printf 'b\377d')")" 6
eq "newline" "$(cat "$P/odd/$(printf 'new\nline')")" 1
artifacts_ok "$R"
git -C "$T/fresh" apply --allow-empty "$T/artifact.diff.patch" >"$T/out" 2>&1 || {
    fail "git apply refuses it"
    said
}
git_tree "$T/fresh" >"$T/tree.git"
git_tree "$P" >"$T/tree.ours"
cmp -s "$T/tree.git" "$T/tree.ours" || fail "git makes another tree of it"
want 0 undo "$R" -y
tree_undone "$P" start

t "odd names can be chosen one by one"
at_second_door 'n=$(printf "new\nline"); echo 1 > "$n"; echo 2 > "with blank"; echo 3 > ./-dash; echo 4 > rest'
want 0 apply "$R" "$(printf 'new\nline')" "with blank" -- -dash
ended "$R" succeeded
there "$P/-dash"
there "$P/with blank"
there "$P/$(printf 'new\nline')"
gone "$P/rest"
want 0 show "$R"
want 0 undo "$R" -y
tree_undone "$P" start

t "a name that is not UTF-8 is chosen by its bytes, on the command line and over HTTP"
B=$(printf 'b\377d') B64=$(printf 'odd/b\377d' | base64)
at_second_door 'mkdir odd; b=$(printf "b\377d"); echo 1 > "odd/$b"; echo 2 > odd/bd; echo 3 > "odd/b�d"; echo 4 > rest'
want 0 diff "$R" "odd/$B"
eq "its part" "$(grep -c '^diff --git ' "$T/out")$(grep '^+[0-9]' "$T/out")" "1+1"
want_api 200 GET "/runs/$R/diff?path_b64=$(jq -rn --arg b "$B64" '$b | @uri')&path=rest"
eq "two parts" "$(grep '^+[0-9]' "$T/out" | tr '\n' ' ')" "+1 +4 "
want_api 400 GET "/runs/$R/diff?path_b64=*"
for bad in '"%%%"' '"AA=="' '"L2V0Yy9wYXNzd2Q="' '"Li4vLi4vcGFzc3dk"' '""' null; do
    want_api 400 POST "/runs/$R/apply" "{\"paths_b64\": [$bad]}"
    has "$T/out" 'paths_b64[0]'
done
want_api 400 POST "/runs/$R/apply" '{"paths_b64": []}'
want_api 400 POST "/runs/$R/apply" '{"paths_b64": "AA=="}'
state_is "$R" awaiting_apply || fail "a bad choice moved the run"
want 0 apply "$R" "odd/$B"
ended "$R" succeeded
eq "applied" "$(ls "$P/odd")" "$B"
gone "$P/rest"
eq "recorded" "$(field "$R" '.apply.paths_b64 | join(" ")') $(field "$R" '.apply.paths | length')" "$B64 0"
want 0 undo "$R" -y
tree_undone "$P" start

t "a sparse file of 10 GiB is shown, applied with its hole, and taken back, at once and without room on the disk"
new_run -p hello --disk 16GiB --cmd 'truncate -s 10G huge && printf x | dd of=huge bs=1 seek=5000000000 conv=notrunc status=none'
wait_state "$R" awaiting_review && want 0 approve "$R"
wait_state "$R" "awaiting_apply $FINAL"
want 0 diff "$R"
has "$T/out" "huge: too large for a patch (sparse, known as s"
want 0 apply "$R"
has "$T/out" "A huge  too large for the diff  10.0 GiB"
ended "$R" succeeded
eq "size" "$(stat -c %s "$P/huge")" 10737418240
eq "byte" "$(tail -c +5000000001 "$P/huge" | head -c 1)" x
[ "$(du -k "$P/huge" | cut -f1)" -lt 1024 ] || fail "its hole takes room: $(du -k "$P/huge")"
want 0 undo "$R" -y
tree_undone "$P" start

# ---- what is refused ---------------------------------------------------------------

t "changes of .git are refused and shown: no hook is planted"
at_second_door 'set -e; printf "#!/bin/sh\ntouch /tmp/pwned\n" > .git/hooks/post-checkout; chmod 755 .git/hooks/post-checkout
echo "[core]" >> .git/config; mkdir -p sub/.git/hooks .GIT; echo x > sub/.git/hooks/pre-commit; echo y > .GIT/config; echo fine > fine'
for f in .git/hooks/post-checkout .git/config sub/.git/hooks/pre-commit .GIT/config; do
    jq -e --arg f "$f" '.items[] | select(.path == $f and .refused)' "$T/changes" >/dev/null || fail "$f is not shown as refused"
done
eq "the rest" "$(kinds)" "added fine"
want 0 diff "$R"
has "$T/out" ".git is not applied"
want 2 apply "$R" .git/config
want_api 400 POST "/runs/$R/apply" '{"paths": ["../../etc/passwd"]}'
want 0 apply "$R"
ended "$R" succeeded
there "$P/fine"
gone "$P/.git/hooks/post-checkout"
gone "$P/.GIT"
gone "$P/sub"
artifacts_ok "$R"
has "$T/artifact.report.md" ".git/hooks/post-checkout"
want 0 undo "$R" -y
tree_undone "$P" start

t "a run all of whose changes are refused says so: it comes to no second door"
want 0 run -p hello --cmd "chmod 4755 script; mkfifo fifo; echo done" --yes
has "$T/out" "changes: 0 files, +0 −0, 2 refused"
has "$T/out" "refused: setuid bit"
has "$T/out" "A fifo"
tree_undone "$P" start

t "symlinks that lead outside, setuid files, FIFOs and sockets are refused and shown; a link inside is applied"
at_second_door 'ln -s /etc/passwd abs; ln -s ../../outside up; mkdir d; ln -s ../text d/inside; ln -s d/../../x through
cp /bin/true suid; chmod 4755 suid; mkfifo fifo; echo fine > fine; rm text; ln -s /etc text; true'
for f in abs up through suid fifo text; do
    jq -e --arg f "$f" '.items[] | select(.path == $f and .refused)' "$T/changes" >/dev/null || fail "$f is not shown as refused"
done
want 0 apply "$R"
grep -q '^  A suid  binary  mode 4755, .* KiB  refused: setuid bit$' "$T/out" || fail "the list does not say what suid is"
has "$T/out" "A fifo"
has "$T/out" "T text  +0 −0  file → symlink, was "
ended "$R" succeeded
eq "link inside" "$(readlink "$P/d/inside")" ../text
there "$P/fine"
for f in abs up through suid fifo; do gone "$P/$f"; done
[ -f "$P/text" ] && [ ! -L "$P/text" ] || fail "text was replaced by a link that leads outside"
[ -z "$(find "$P" -perm /6000)" ] || fail "a setuid file was applied"
want 0 undo "$R" -y
tree_undone "$P" start

# ---- the project moved on ------------------------------------------------------------

conflict() { # RUN FILE: apply is refused, names FILE, and the run is back at the second door
    want 15 apply "$1"
    cat "$T/err" >>"$T/out"
    has "$T/out" "$2"
    wait_state "$1" awaiting_apply
    eq "applied" "$(field "$1" .apply.applied)" false
    field "$1" '.apply.conflicts[].path' >"$T/out"
    has "$T/out" "$2"
}

t "a file that changed under the run: nothing is applied, the run is back at the second door, discard ends it"
at_second_door 'echo run >> text; echo other > other; echo 2 >> bare'
echo mine >>"$P/text"
tree_keep "$P" mine
conflict "$R" text
tree_same "$P" mine
want 0 discard "$R"
ended "$R" rejected changes_discarded
tree_same "$P" mine
artifacts_ok "$R"

t "the files without conflict can be applied by name"
at_second_door 'echo run >> text; echo other > other'
echo more >>"$P/text"
conflict "$R" text
want 15 apply "$R" text other
wait_state "$R" awaiting_apply
gone "$P/other"
want 0 apply "$R" other
ended "$R" succeeded
there "$P/other"
eq "mine" "$(tail -n 1 "$P/text")" more
want 0 undo "$R" -y
gone "$P/other"

t "a file that appeared, went away, changed its mode or its kind is a conflict too"
tree_keep "$P" before
at_second_door 'echo run > appeared'
echo mine >"$P/appeared"
conflict "$R" appeared
eq "mine" "$(cat "$P/appeared")" mine
want 0 discard "$R"
rm "$P/appeared"
at_second_door 'echo run >> bare'
mv "$P/bare" "$T/bare"
conflict "$R" bare
want 0 discard "$R"
mv "$T/bare" "$P/bare"
at_second_door 'echo run >> script'
chmod 700 "$P/script"
conflict "$R" script
want 0 discard "$R"
chmod 755 "$P/script"
at_second_door 'echo run >> old/deep/x'
mv "$P/old" "$P/elsewhere" && ln -s elsewhere "$P/old"
conflict "$R" old
want 0 discard "$R"
rm "$P/old" && mv "$P/elsewhere" "$P/old"
tree_undone "$P" before

t "a directory that a run replaces by a link: the link is refused, discard leaves the directory"
at_second_door 'rm -r old; ln -s ../elsewhere old; true'
jq -e '.items[] | select(.path == "old" and .refused)' "$T/changes" >/dev/null || fail "old is not shown as refused"
want 0 discard "$R"
tree_undone "$P" before

t "without a second door a conflict ends the run, and nothing is applied"
new_run -p hello --review plan --cmd 'echo run >> text; sleep 2; echo also > also'
wait_state "$R" awaiting_review && want 0 approve "$R"
until_ok eval "[ \"\$(field $R '.steps[0].state')\" = running ]"
sleep 0.5
echo again >>"$P/text"
ended "$R" failed apply_conflict
gone "$P/also"
eq "mine" "$(tail -n 1 "$P/text")" again
artifacts_ok "$R"

t "another digest than the one that was looked at is refused"
at_second_door 'echo run > digest'
want_api 409 POST "/runs/$R/apply" '{"digest":"0000000000000000000000000000000000000000000000000000000000000000"}'
want_api 202 POST "/runs/$R/apply" "{\"digest\":\"$(jq -r .digest "$T/changes")\"}"
ended "$R" succeeded
there "$P/digest"
t "a diff larger than one answer may be is sent whole, in parts, and kept as the artifact"
at_second_door 'seq 1000000 > n1; seq 1000000 2000000 > n2; seq 2000000 3000000 > n3'
want_api 200 GET "/runs/$R/diff"
cp "$T/out" "$T/whole"
eq "lines" "$(grep -c '^+[0-9]' "$T/whole")" 3000002
want_api 200 GET "/runs/$R/diff?path=n3"
eq "first line" "$(head -1 "$T/out")" "diff --git a/n3 b/n3"
eq "lines of a part" "$(grep -c '^+[0-9]' "$T/out")" 1000001
want_api 200 GET "/runs/$R/diff?path=nosuch"
empty "$T/out"
want 0 discard "$R"
ended "$R" rejected
api GET "/runs/$R/artifacts"
want_api 200 GET "/artifacts/$(j '.items[] | select(.name == "diff.patch") | .id')"
cmp -s "$T/out" "$T/whole" || fail "the artifact is not the diff"
finish
