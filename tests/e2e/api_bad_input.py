"""api_bad_input - see api_bad_input.sh. The table is /openapi.json itself: a new route is tested the day it is added."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_lib import OTHER_TOKEN, SCOPES, ULID, Results, Skip, World, check, is_type, may, run_main  # noqa: E402

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Asker:
    """Counts requests, and looks at the store after each."""

    def __init__(self, world):
        self.w, self.n = world, 0

    def refused(self, what, status, code, op, **how):
        """The answer is this error, and nothing has changed."""
        before = self.w.store.fingerprint()
        a = self.send(op, **how)
        self.n += 1
        codes = (code,) if isinstance(code, str) else code
        check(a.status == status, "%s: %s %s: %d expected:" % (what, op.method, op.path, status), a)
        if a.body:
            self.w.error(a)
            check(a.code in codes, "%s: %s expected:" % (what, codes), a)
        check(self.w.store.fingerprint() == before, what, "changed the store:", a)
        return a

    def send(self, op, path=None, query="", body=None, method=None, token="admin", key="new", headers=None, ids=None):
        w = self.w
        path = (path or w.path(op, ids or w.right_ids.get(op.id))) + ("?" + query if query else "")
        key = key if op.keyed or key != "new" else None
        return w.server.request(method or op.method, path, body, token=token, key=key, headers=headers)


def good_bodies(w):
    """A body for each operation that takes one: right in itself, so what is refused is what a case does to it."""
    step = {"command": "echo hello", "title": "say hello", "cwd": "sub", "env_names": ["A"], "wall_ms": 1000, "kind": "command",
            "reason": "why not", "pty": True, "cols": 132, "rows": 43}
    bodies = {
        "post_projects": {"root_path": w.project + "/sub", "name": "sub", "seed": "copy"},
        "put_project_settings": {"toolchains": "nvm,pyenv", "seed": "copy",
                                 "retention": {"runs_ms": 86400000, "failed_runs_ms": 1, "logs_ms": 0}, "max_running": 2},
        "post_runs": {"project_id": "hello", "steps": [step], "review": "both", "on_failure": "review", "on_deny": "fail", "on_lost": "retry", "priority": -7,
                      "limits": {"cpu_millis": 1000, "memory_bytes": 1 << 28, "pids": 64, "disk_bytes": 1 << 28,
                                 "output_bytes": 1 << 20, "wall_ms": 10000}, "env": {"A": "1"}, "network": False, "keep": True},
        "post_plan": {"project_id": "hello", "intent": "run the tests"},
        "put_run_plan": {"steps": [step]},
        "post_run_approve": {"plan_hash": "0" * 64, "note": "yes"},
        "post_run_reject": {"note": "no"},
        "post_run_cancel": {},
        "post_run_apply": {"digest": "0" * 64, "paths": ["one"]},
        "post_run_discard": {"note": "no"},
        "post_run_undo": {},
        "post_run_keep": {"keep": True},
        "post_retention": {"dry_run": True},
        "post_approval": {"decision": "allow", "note": "yes", "subject_hash": "0" * 64},
        "put_policy": {"text": "version: 1\ndefault: ask\nrules: []\n", "base_version": 0, "note": "x"},
        "post_policy_test": {"command": "make", "cwd": "sub", "text": "version: 1\ndefault: ask\nrules: []\n"},
        "post_policy_replay": {"text": "version: 1\ndefault: ask\nrules: []\n", "project_id": "hello", "since_ms": 60000,
                               "limit": 5, "all": True, "after": "run_01M7Y3A4WVYDSTXA6PN4RJP4QX"},
        "post_audit_verify": {},
        "post_tokens": {"name": "x", "scopes": ["run:read"], "expires_in_ms": 60000},
        "post_login": {"token": "sp_" + "x" * 43},
        "post_logout": {},
        "post_reconcile": {},
        "post_queue_pause": {"note": "x"},
        "post_queue_drain": {"note": "x"},
        "post_queue_resume": {},
        "post_project_pause": {"note": "x"},
        "post_project_resume": {},
        "post_run_priority": {"priority": "high"},
        "post_step_input": {"offset": 0, "text": "ls\n", "eof": True},
        "post_step_resize": {"cols": 80, "rows": 24},
    }
    for op in w.ops:
        if op.body:
            check(op.id in bodies, "this test has no body for", op.id)
            w.schemas.must(bodies[op.id], op.schema, "this test's body for " + op.id)
    return bodies


# ---- bodies, wrong in one place ----------------------------------------------

SAMPLES = {"null": None, "a bool": True, "an integer": 7, "a fraction": 1.5, "a string": "x", "a list": [], "an object": {}}


def type_fits(x, types):
    return any(t != "integer" and is_type(x, t) or t == "integer" and is_type(x, t) for t in types)


def wrong_type(s, v):
    types = s.get("type")
    if types is None:
        types = ["string" if isinstance(s.get("const"), str) else "boolean"] if "const" in s else []
    types = [types] if isinstance(types, str) else types
    for name, x in SAMPLES.items():
        if types and not type_fits(x, types):
            yield name, x


def wrong_value(s, v):
    if "enum" in s:
        yield "none of the words", "nope"
    if "const" in s:
        yield "another value", "other" if isinstance(s["const"], str) else not s["const"]
    if "maxLength" in s:
        yield "too long", ("/" if s.get("pattern") == "^/" else "A") + "A" * s["maxLength"]
    if s.get("minLength"):
        yield "empty", ""
    if "pattern" in s:
        yield "of the wrong form", "1 relative"
    if "minimum" in s:
        yield "too small", s["minimum"] - 1
    if "maximum" in s:
        yield "too large", s["maximum"] + 1
    if s.get("minItems"):
        yield "without items", []
    if "maxItems" in s:
        yield "with too many items", ["A%d" % i if isinstance(v[0], str) else v[0] for i in range(s["maxItems"] + 1)]
    if s.get("uniqueItems"):
        yield "with an item twice", [v[0], v[0]]
    if "maxProperties" in s:
        yield "with too many members", {"A%d" % i: "v" for i in range(s["maxProperties"] + 1)}
    if "propertyNames" in s:
        yield "with a wrong name", {"1A": "v"}


def wrong(schemas, s, v, at=""):
    """(where, what, v with one thing wrong)."""
    s = schemas.resolve(s)
    for what, x in (*wrong_type(s, v), *wrong_value(s, v)):
        yield at, what, x
    if isinstance(v, list) and v:
        for where, what, x in wrong(schemas, s.get("items", {}), v[0], at + "[0]"):
            yield where, what, [x, *v[1:]]
    if not isinstance(v, dict):
        return
    dot = at + "." if at else ""
    if s.get("additionalProperties") is False:
        yield dot + "zzz", "unknown", {**v, "zzz": 1}
    for k in s.get("required", []):
        yield dot + k, "missing", {x: y for x, y in v.items() if x != k}
    for k, x in v.items():
        sub = s.get("properties", {}).get(k, s.get("additionalProperties"))
        for where, what, y in wrong(schemas, sub, x, dot + k):
            yield where, what, {**v, k: y}


def fields(ask, op):
    n = ask.n
    for where, what, body in wrong(ask.w.schemas, op.schema, ask.w.bodies[op.id]):
        if not isinstance(body, dict):
            continue  # see malformed()
        name = "%s %s" % (where, what)
        gone = (op.id in ("post_runs", "post_plan") and where == "project_id" and what in ("empty", "of the wrong form"))
        a = ask.refused(name, 404 if gone else 400, ("not_found",) if gone else ("invalid_request", "unknown_field", "payload_too_large"),
                        op, body=body)
        field = a.json["error"]["details"].get("field", "")
        check(field and (where.startswith(field) or field.startswith(where)), name, "is blamed on", repr(field), a)
    for what, body, field in TOGETHER.get(op.id, ()):
        a = ask.refused(what, 400, "invalid_request", op, body=body)
        check(a.json["error"]["details"].get("field") == field, what, "is blamed on another field", a)
    return ask.n - n


# Members that are right each, and wrong together.
TOGETHER = {"post_run_apply": (
    ("a file whole and in part", {"paths": ["one"], "hunks": [{"path": "one", "hunks": [1]}]}, "hunks[0]"),
    ("a file whole by its bytes and in part", {"paths_b64": ["b25l"], "hunks": [{"path": "one", "hunks": [1]}]}, "hunks[0]"),
    ("a file in part twice", {"hunks": [{"path": "one", "hunks": [1]}, {"path": "one", "hunks": [1]}]}, "hunks[1]"))}


def choices(ask, op):
    """Members of which exactly one is to be given."""
    n, s, good = ask.n, op.schema, ask.w.bodies[op.id]
    words = {k: v for c in s.get("oneOf", []) for k in c["required"] for v in [CHOICES[op.id][k]]}
    if not words:
        raise Skip("no such members")
    ask.refused("both", 400, "invalid_request", op, body={**good, **words})
    ask.refused("neither", 400, "invalid_request", op, body={k: v for k, v in good.items() if k not in words})
    return ask.n - n


CHOICES = {"post_plan": {"intent": "run the tests", "steps": [{"command": "true"}]}, "post_policy_test": {"command": "a", "argv": ["a"]}}


def malformed(ask, op):
    """What is not a JSON object."""
    n = ask.n
    for what, body in {
        "cut off": b'{"note": "x', "not JSON": b"note=x", "two values": b"{} {}", "a comma too many": b'{"note": "x",}',
        "a comment": b"{} // x", "a member twice": b'{"note": "x", "note": "y"}', "not UTF-8": b'{"note": "\xff\xfe"}',
        "overlong UTF-8": b'{"note": "\xc0\xaf"}', "a surrogate": b'{"note": "\\ud800"}', "a NUL": b'{"note": "\\u0000"}',
        "a raw control character": b'{"note": "\x01"}', "a byte order mark": b"\xef\xbb\xbf{}", "UTF-16": '{"note": "x"}'.encode("utf-16"),
        "too deep": b'{"note": ' + b"[" * 1000 + b"]" * 1000 + b"}", "NaN": b'{"note": NaN}', "a huge number": b'{"note": 1e999}',
        "a huge integer": b'{"note": 99999999999999999999}',
    }.items():
        ask.refused(what, 400, "invalid_json", op, body=body)
    for body in (b"[]", b'"x"', b"1", b"null", b"true"):
        ask.refused("not an object: %r" % body, 400, ("invalid_request", "invalid_json"), op, body=body)
    return ask.n - n


def sizes(ask, op):
    n, m = ask.n, op.method
    ask.refused("a body one byte too large", 413, "payload_too_large", op, headers={"Content-Length": str(op.max_body + 1)})
    ask.refused("a huge body", 413, "payload_too_large", op, headers={"Content-Length": "999999999999"})
    if m != "GET":
        ask.refused("endless chunks", 413, "payload_too_large", op,
                    body=b"%x\r\n" % (op.max_body + 1) + b"x" * 1000,
                    headers={"Content-Length": None, "Transfer-Encoding": "chunked", "Content-Type": "application/json"})
    return ask.n - n


def media_types(ask, op):
    n = ask.n
    for t in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "application"):
        ask.refused("Content-Type: %s" % t, 415, "unsupported_media_type", op, body=ask.w.bodies[op.id], headers={"Content-Type": t})
    return ask.n - n


# ---- access -------------------------------------------------------------------

def tokens(ask, op):
    n = ask.n
    body = ask.w.bodies.get(op.id)
    for what, header in {
        "unknown": "Bearer sp_" + "x" * 43, "empty": "Bearer ", "of another form": "Bearer abc", "long": "Bearer sp_" + "x" * 3000,
        "Basic": "Basic c3A6eA==", "bare": ask.w.server.admin, "with more": "Bearer %s x" % ask.w.server.admin,
        "revoked": "Bearer " + ask.w.tokens["revoked"], "expired": "Bearer " + ask.w.tokens["expired"],
    }.items():
        a = ask.refused(what + " token", 401, "unauthorized", op, body=body, token=None, headers={"Authorization": header})
        check(a.headers.get("www-authenticate"), "401 without WWW-Authenticate", a)
    if not op.local:
        ask.refused("no token", 401, "unauthorized", op, body=body, token=None)
    return ask.n - n


def scopes(ask, op):
    """With one scope each: refused, or let through to the next check, which refuses."""
    n = ask.n
    for scope in SCOPES:
        token = ask.w.tokens[scope]
        if not may(scope, op):
            ask.refused(scope, 403, "forbidden", op, body=ask.w.bodies.get(op.id), token=token)
        else:
            ask.refused("allowed " + scope, 400, "unknown_field", op, query="zzz=1", body=ask.w.bodies.get(op.id), token=token)
    return ask.n - n


def host(ask, op):
    n = ask.n
    body = ask.w.bodies.get(op.id)
    port = ask.w.server.port
    for h in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:%d" % port, "[::2]:%d" % port, "0.0.0.0:%d" % port):
        ask.refused("Host: " + h, 403, "host_not_allowed", op, body=body, headers={"Host": h})
    ask.refused("no Host", 400, "invalid_request", op, body=body, headers={"Host": None})
    for o in ("http://evil.example", "null", "https://127.0.0.1.evil.example:%d" % port, "http://127.0.0.1:%d" % (port % 65535 + 1)):
        ask.refused("Origin: " + o, 403, "host_not_allowed", op, body=body, headers={"Origin": o})
    return ask.n - n


# ---- method, path, query ----------------------------------------------------------

def methods(ask, path):
    w, n = ask.w, ask.n
    ops = [o for o in w.ops if o.path == path]
    known = {o.method for o in ops} | ({"HEAD"} if any(o.method == "GET" for o in ops) else set())
    for m in METHODS:
        if m in known:
            continue
        a = ask.refused(m, 405, "method_not_allowed", ops[0], method=m, key=w.server.key())
        allow = {x.strip() for x in a.headers.get("allow", "").split(",")}
        check(allow == known, "Allow is", allow, "and should be", known)
    for m in ("BREW", "get", "CONNECT", "TRACE"):
        ask.refused(m, 405, "method_not_allowed", ops[0], method=m)
    return ask.n - n


BAD_ID = {"a word": "x", "lower case": "%s_" + ULID.lower(), "another kind": "ses_" + ULID, "too short": "%s_" + ULID[:-1],
          "too long": "%s_" + ULID + "0", "beyond 128 bits": "%s_8" + ULID[1:], "unknown": "%s_" + ULID, "blank": "%%20", "long": "x" * 4000}
PREFIX = {"project": "prj", "run": "run", "step": "stp", "approval": "apr", "artifact": "art", "token": "tok"}


def ids(ask, op):
    n = ask.n
    body = ask.w.bodies.get(op.id)
    for arg in op.args:
        for what, form in BAD_ID.items():
            bad = form % PREFIX[arg] if "%s" in form else form.replace("%%", "%")
            ask.refused("%s: %s" % (arg, what), 404, "not_found", op, body=body, ids={arg: bad})
        for what, raw in {"a NUL": "%00", "a slash": "a%2Fb", "up": "..", "broken escape": "%zz", "not UTF-8": "%ff"}.items():
            ask.refused("%s: %s" % (arg, what), 400, "invalid_request", op, body=body, ids={arg: raw})
        ask.refused(arg + ": of another tenant", 404, "not_found", op, body=body, token=OTHER_TOKEN)
        ask.refused(arg + ": none", 404, "not_found", op, path=ask.w.path(op, {arg: ""}), body=body)
    ask.refused("a longer path", 404, "not_found", op, path=ask.w.path(op) + "/", body=body)
    ask.refused("far too long a path", 414, "uri_too_long", op, path=ask.w.path(op) + "/" + "x" * 20000, body=body)
    return ask.n - n


def queries(ask, op):
    n = ask.n
    body = ask.w.bodies.get(op.id)
    ask.refused("an unknown name", 400, "unknown_field", op, query="zzz=1", body=body)
    ask.refused("no name", 400, "unknown_field", op, query="=1", body=body)
    ask.refused("a broken escape", 400, "invalid_request", op, query="zzz=%zz", body=body)
    for p in op.query:
        s = ask.w.schemas.resolve(p["schema"])
        for what, value in bad_values(s):
            code = "invalid_cursor" if p["name"] == "cursor" else "invalid_request"
            a = ask.refused("%s %s" % (p["name"], what), 400, code, op, query="%s=%s" % (p["name"], value))
            check(code != "invalid_request" or a.json["error"]["details"].get("field") == p["name"], "the field is not named", a)
        if s.get("type") != "array":
            value = good_value(s)
            a = ask.refused(p["name"] + " twice", 400, "invalid_request", op, query="%s=%s&%s=%s" % ((p["name"], value) * 2))
    return ask.n - n


def bad_values(s):
    if s.get("type") == "integer":
        yield from (("no number", "x"), ("empty", ""), ("a fraction", "1.5"), ("negative", "-1"), ("signed", "%2B1"),
                    ("with a blank", "%201"), ("huge", "99999999999999999999"), ("hexadecimal", "0x10"))
        if s.get("minimum"):
            yield "too small", s["minimum"] - 1
        if "maximum" in s:
            yield "too large", s["maximum"] + 1
    elif "enum" in s:
        yield from (("none of the words", "nope"), ("empty", ""))
    elif "pattern" in s:
        yield from (("no id", "x"), ("empty", ""), ("another kind", "ses_" + ULID))
    elif "maxLength" in s:
        yield from (("garbage", "AAAA"), ("not base64", "%20!"))


def good_value(s):
    return s["enum"][0] if "enum" in s else "1" if s.get("type") == "integer" else "x"


# ---- idempotency --------------------------------------------------------------

def keys(ask, op):
    n = ask.n
    body = ask.w.bodies.get(op.id)
    ask.refused("none", 400, "idempotency_key_required", op, body=body, key=None)
    ask.refused("empty", 400, "idempotency_key_required", op, body=body, key="", headers={"Idempotency-Key": ""})
    ask.refused("too long", 400, "invalid_request", op, body=body, key="k" * 201)
    ask.refused("not ASCII", 400, "invalid_request", op, body=body, key="\xe9")
    ask.refused("with a tab", 400, "invalid_request", op, body=body, key="a\tb")
    return ask.n - n


# ---- all ------------------------------------------------------------------------

def changed_run(w):
    """A run at the second door."""
    if w.sandbox["ready"]:
        run = w.run(["echo 3 >> one"], "awaiting_apply", review="effects")
        w.right_ids.update({"post_run_apply": {"run": run}, "post_run_discard": {"run": run}})
    w.right_ids["post_run_undo"] = {"run": w.ids["rejected"]}


def main():
    results, w = Results(), World()
    w.right_ids = {}
    changed_run(w)
    w.bodies = good_bodies(w)
    ask = Asker(w)
    for path in sorted({o.path for o in w.ops}):
        results.case("%s: other methods" % path, methods, ask, path)
    for op in w.ops:
        results.case(op.id + ": host and origin", host, ask, op)
        results.case(op.id + ": query", queries, ask, op)
        results.case(op.id + ": path and ids", ids, ask, op)
        results.case(op.id + ": size", sizes, ask, op)
        if not op.open:
            results.case(op.id + ": tokens", tokens, ask, op)
            results.case(op.id + ": scopes", scopes, ask, op)
        if op.keyed:
            results.case(op.id + ": idempotency keys", keys, ask, op)
        if op.body:
            results.case(op.id + ": malformed bodies", malformed, ask, op)
            results.case(op.id + ": media types", media_types, ask, op)
            results.case(op.id + ": fields", fields, ask, op)
            if "oneOf" in op.schema:
                results.case(op.id + ": one of several members", choices, ask, op)
    w.store.close()
    results.case("the server lived through it", lives, w)
    return 1 if results.failed else 0


def lives(w):
    check(w.server.proc.poll() is None, "it ended:", w.server.log())
    check('"level":"error"' not in w.server.log(), "it logged errors:", w.server.log())
    check(w.server.stop() == 0, "it stopped badly:", w.server.log())


if __name__ == "__main__":
    sys.exit(run_main(main))
