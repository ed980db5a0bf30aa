#!/bin/bash
# console_sources - what can be said of the console's sources without a browser: they fit together, they fit the API of
# this server, they contain nothing that they must not, and their parts do what they should.
. "$(dirname "$0")/lib.sh"

PACKAGES=$("$ROOT/tools/clients" console)
cp -r "$ROOT/console" "$T/console"
rm -rf "$T/console/node_modules"
ln -s "$PACKAGES/node_modules" "$T/console/node_modules"
cd "$T/console" || exit 1

server_start
t "console: its types are those of /openapi.json"
curl -s -o "$T/openapi.json" "$(base)/openapi.json"
node types.mjs --check "$T/openapi.json" >"$T/out" 2>&1 || { fail "not current"; said; }

t "console: the type system finds nothing"
node_modules/.bin/tsc --noEmit >"$T/out" 2>&1 || { fail "tsc"; said; }

t "console: no HTML from text, no inline style, no other origin"
node lint.mjs >"$T/out" 2>&1 || { fail "lint.mjs"; said; }

t "console: what is forbidden is found"
while IFS= read -r line; do
    rm -rf "$T/bad" && mkdir "$T/bad" && printf '%b\n' "$line" >"$T/bad/x.tsx"
    node -e 'import("./lint.mjs").then(m => process.exit(m.lint(process.argv[1]).length ? 0 : 1))' "$T/bad" || fail "not found: $line"
done <<'EOF'
element.innerHTML = text;
<div dangerouslySetInnerHTML={{ __html: text }} />
eval(text);
setTimeout("go()", 1);
<div style={{ width: 3 }} />
element.style.width = '3px';
<a href="javascript:go()">
<img src="https://example.org/x.png" />
<b onclick="go()" />
void fetch('/x');
const x = '\\u202e'.replace('\xe2\x80\xae', '');
EOF

t "console: its first load fits its budget, and what it builds is named by its content"
mkdir "$T/one" "$T/two"
node build.mjs "$T/one" >"$T/out" 2>&1 && node build.mjs "$T/two" >>"$T/out" 2>&1 || { fail "it does not build"; said; }
diff -r "$T/one" "$T/two" >"$T/diff" || fail "built twice, it differs"
grep -h '^console: first load' "$T/out" | head -n 1 | sed 's/^/# /'

node test.mjs >"$T/out" 2>&1
while read -r ok _ _ name; do
    t "console: $name"
    [ "$ok" = ok ] || { fail "node --test"; grep -A 12 -F "not ok" "$T/out" | sed 's/^/#   | /'; }
done < <(sed -n 's/^\(not \)\?ok \([0-9]*\) - \(.*\)/\1ok \2 - \3/p' "$T/out" | sed 's/^not ok/notok/')
t "console: its unit tests ran"
grep -q '^# fail 0$' "$T/out" || { fail "not all passed"; said; }
cd /
finish
