"""api_lib - a real server in a temporary directory, and what the API's tests need to speak with it: requests as exact
bytes, a fingerprint of the store, the schemas of /openapi.json. Standard library only."""
import atexit
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

SALLYPORT = os.environ.get("SALLYPORT", "sallyport")
OTHER_TOKEN = "sp_" + "o" * 43  # of another tenant, see World
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"  # well-formed and nobody's


# ---- results ----------------------------------------------------------------

class Results:
    def __init__(self):
        self.failed = 0

    def case(self, name, fn, *args):
        """One line of output; the exception is the reason."""
        try:
            n = fn(*args)
        except Skip as why:
            print("skip %s # %s" % (name, why), flush=True)
            return
        except Exception as why:  # noqa: BLE001 - every failure is a result
            self.failed += 1
            print("not ok " + name, flush=True)
            print("    %s: %s" % (type(why).__name__, str(why)[:4000]), flush=True)
            if not isinstance(why, Bad):
                traceback.print_exc(file=sys.stdout)
            return
        print("ok %s%s" % (name, " (%d requests)" % n if n else ""), flush=True)


def run_main(main):
    """The exit status; what happens outside of a case is a failed case too."""
    try:
        return main()
    except Exception as why:  # noqa: BLE001
        print("not ok the test itself\n    %s: %s" % (type(why).__name__, why), flush=True)
        traceback.print_exc(file=sys.stdout)
        return 1


class Skip(Exception):
    pass


class Bad(AssertionError):
    pass


def check(ok, *what):
    if not ok:
        raise Bad(" ".join(str(w) for w in what))


# ---- schemas: the part of JSON Schema 2020-12 that openapi.json uses ---------

TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
KNOWN = {"$ref", "type", "enum", "const", "oneOf", "anyOf", "allOf", "required", "properties", "additionalProperties", "propertyNames",
         "minProperties", "maxProperties", "items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern",
         "format", "minimum", "maximum", "description", "default"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def is_type(v, t):
    if t == "integer":
        return isinstance(v, int) and not isinstance(v, bool)
    return isinstance(v, TYPES[t])


class Schemas:
    def __init__(self, doc):
        self.doc = doc

    def resolve(self, s):
        while "$ref" in s:
            at = self.doc
            for part in s["$ref"][2:].split("/"):
                at = at[part]
            s = {**at, **{k: v for k, v in s.items() if k != "$ref"}}
        return s

    def errors(self, v, s, at="$"):
        """Why v is not of schema s, as a list of sentences."""
        unknown = set(s) - KNOWN
        check(not unknown, "the validator does not know", unknown)
        s = self.resolve(s)
        if "oneOf" in s:
            fits = [x for x in s["oneOf"] if not self.errors(v, x, at)]
            if len(fits) != 1:
                each = "; ".join(e for x in s["oneOf"] for e in self.errors(v, x, at)[:1])
                return ["%s fits %d of %d cases: %s" % (at, len(fits), len(s["oneOf"]), each)]
        if "anyOf" in s and all(self.errors(v, x, at) for x in s["anyOf"]):
            return ["%s fits none of %d cases" % (at, len(s["anyOf"]))]
        bad = [e for x in s.get("allOf", []) for e in self.errors(v, x, at)]
        types = s.get("type")
        types = [types] if isinstance(types, str) else types
        if types and not any(is_type(v, t) for t in types):
            return bad + ["%s is %r, not %s" % (at, v, types)]
        if "enum" in s and v not in s["enum"]:
            bad.append("%s is %r, not one of %s" % (at, v, s["enum"]))
        if "const" in s and v != s["const"]:
            bad.append("%s is %r, not %r" % (at, v, s["const"]))
        return bad + {dict: self.of_object, list: self.of_array, str: self.of_string, int: self.of_int}.get(
            type(v), lambda *_: [])(v, s, at)

    def of_object(self, v, s, at):
        props, more = s.get("properties", {}), s.get("additionalProperties", True)
        bad = ["%s lacks %s" % (at, k) for k in s.get("required", []) if k not in v]
        for k, x in v.items():
            if k in props:
                bad += self.errors(x, props[k], at + "." + k)
            elif more is False:
                bad.append("%s has %s, which the schema does not know" % (at, k))
            elif isinstance(more, dict):
                bad += self.errors(x, more, at + "." + k)
            if "propertyNames" in s:
                bad += self.errors(k, s["propertyNames"], at + " key")
        if len(v) > s.get("maxProperties", len(v)):
            bad.append("%s has %d members" % (at, len(v)))
        return bad

    def of_array(self, v, s, at):
        bad = [e for i, x in enumerate(v) for e in self.errors(x, s.get("items", {}), "%s[%d]" % (at, i))]
        if not s.get("minItems", 0) <= len(v) <= s.get("maxItems", len(v)):
            bad.append("%s has %d items" % (at, len(v)))
        return bad

    def of_string(self, v, s, at):
        bad = []
        if not s.get("minLength", 0) <= len(v) <= s.get("maxLength", len(v)):
            bad.append("%s has %d characters" % (at, len(v)))
        if "pattern" in s and not re.search(s["pattern"], v):
            bad.append("%s is %r, not %s" % (at, v, s["pattern"]))
        if s.get("format") == "date-time" and not TIME.fullmatch(v):
            bad.append("%s is %r, not a time" % (at, v))
        return bad

    def of_int(self, v, s, at):
        return ["%s is %d" % (at, v)] if not s.get("minimum", v) <= v <= s.get("maximum", v) else []

    def must(self, v, schema, what):
        bad = self.errors(v, schema)
        check(not bad, what, "is not as documented:", "; ".join(bad[:5]), "\n   ", json.dumps(v)[:2000])


# ---- requests -----------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def is_json(self):
        return self.body and self.headers.get("content-type", "").split(";")[0] == "application/json"

    @property
    def code(self):
        """Of an error."""
        return self.json["error"]["code"]

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:600].decode("utf-8", "replace"))


class Conn:
    """One kept-alive connection that sends exactly what it is given."""

    def __init__(self, server):
        self.server, self.sock, self.file = server, None, None

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
        self.sock = None

    def send(self, data):
        if not self.sock:
            self.sock = socket.create_connection((self.server.host, self.server.port), timeout=60)
            self.file = self.sock.makefile("rb")
        self.sock.sendall(data)

    def read(self, head_only=False):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        status, headers = int(line.split()[1]), {}
        while (line := self.file.readline().strip()):
            k, _, v = line.decode("latin-1").partition(":")
            headers[k.lower()] = v.strip()
        body = b""
        if not head_only and status not in (204, 304):
            if "content-length" in headers:
                body = self.file.read(int(headers["content-length"]))
            elif headers.get("transfer-encoding") == "chunked":
                body = self.chunks()
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body)

    def chunks(self):
        body = b""
        while True:
            n = int(self.file.readline(), 16)
            body += self.file.read(n)
            self.file.readline()
            if n == 0:
                return body

    def exchange(self, data, head_only=False):
        """Once more when the server had closed the idle connection."""
        for again in (False, True):
            had = self.sock is not None
            try:
                self.send(data)
                return self.read(head_only)
            except (ConnectionError, BrokenPipeError):
                self.close()
                if again or not had:
                    raise


# ---- server ---------------------------------------------------------------------

def wait_gone(pid):
    until = time.monotonic() + 10
    while os.path.exists("/proc/%d" % pid) and time.monotonic() < until:
        time.sleep(0.01)


class Server:
    def __init__(self, *flags):
        self.dir = tempfile.mkdtemp(prefix="sallyport-api-")
        self.data, self.flags, self.proc, self.keys = os.path.join(self.dir, "data"), flags, None, 0
        os.mkdir(self.data, 0o700)
        atexit.register(self.remove)
        self.start()

    def start(self):
        log = open(os.path.join(self.dir, "log"), "ab")
        self.proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--rate", "0",
                                      "--reconcile-every", "24h", "--log-format", "json", *self.flags],
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, HOME=self.dir))
        log.close()
        self.address(time.monotonic() + 60)
        with open(os.path.join(self.data, "admin-token")) as f:
            self.admin = f.read().strip()
        self.conn = Conn(self)

    def address(self, until):
        path = os.path.join(self.data, "address")
        while time.monotonic() < until and self.proc.poll() is None:
            try:
                with open(path) as f:
                    self.host, _, port = f.read().strip().removeprefix("http://").rpartition(":")
                    self.port = int(port)
                socket.create_connection((self.host, self.port), timeout=5).close()
                return
            except (OSError, ValueError):
                time.sleep(0.02)
        raise Bad("the server did not start:\n" + self.log())

    def log(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()[-4000:]

    def stop(self):
        """Its exit status."""
        if self.proc is None:
            return 0
        if self.conn:
            self.conn.close()
        self.proc.send_signal(signal.SIGTERM)
        try:
            status = self.proc.wait(60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            status = self.proc.wait()
        self.proc = None
        os.unlink(os.path.join(self.data, "address"))
        return status

    def remove(self):
        if self.proc:
            self.proc.terminate()
            try:
                self.proc.wait(30)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None
        for path in glob.glob(os.path.join(self.data, "runs", "*", "shim", "pid")):  # a shim outlives its server
            with contextlib.suppress(OSError, ValueError), open(path) as f:
                pid = int(f.read())
                with open("/proc/%d/cmdline" % pid) as line:
                    if path.split(os.sep)[-3] in line.read():
                        os.kill(pid, signal.SIGTERM)
                        wait_gone(pid)
        for folder, names, _ in os.walk(self.dir):
            for path in (os.path.join(folder, name) for name in names):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)  # overlayfs leaves directories that nobody may enter
        shutil.rmtree(self.dir, ignore_errors=True)

    def key(self):
        self.keys += 1
        return "key-%d" % self.keys

    def request(self, method, path, body=None, token="admin", key="new", headers=None):
        """body: bytes go as they are, anything else as JSON. token, key: None leaves the header out; so does a header None."""
        h = {"Host": "%s:%d" % (self.host, self.port)}
        if token:
            h["Authorization"] = "Bearer " + (self.admin if token == "admin" else token)
        if key and method != "GET":
            h["Idempotency-Key"] = self.key() if key == "new" else key
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            h["Content-Type"] = "application/json"
            h["Content-Length"] = str(len(body))
        h.update(headers or {})
        head = "%s %s HTTP/1.1\r\n" % (method, path) + "".join("%s: %s\r\n" % x for x in h.items() if x[1] is not None)
        return self.conn.exchange(head.encode("latin-1") + b"\r\n" + (body or b""), method == "HEAD")


# ---- store ------------------------------------------------------------------------

# Notes that every request may leave, and /readyz's own writes.
NOT_COUNTED = {("tokens", "used_us"), ("schema_version", "checks"), ("nodes", "seen_us")}


class Store:
    """Sees whether anything in the store changed."""

    def __init__(self, server):
        self.db = sqlite3.connect("file:%s/sallyport.db?mode=ro" % server.data, uri=True, timeout=30, isolation_level=None)
        self.seen, self.print = None, None

    def fingerprint(self):
        version = self.db.execute("PRAGMA data_version").fetchone()[0]
        if version != self.seen:
            self.seen, self.print = version, self.read()
        return self.print

    def still(self):
        """The same once no worker holds a run: what it writes last comes after the state that a client sees."""
        until = time.monotonic() + 60
        while self.db.execute("SELECT count(*) FROM run_queue WHERE lease_token <> 0").fetchone()[0]:
            check(time.monotonic() < until, "a worker holds a run for a minute")
            time.sleep(0.01)
        return self.fingerprint()

    def read(self):
        h = hashlib.sha256()
        self.db.execute("BEGIN")
        for (table,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            columns = [c[1] for c in self.db.execute("PRAGMA table_info(%s)" % table) if (table, c[1]) not in NOT_COUNTED]
            names = ", ".join('"%s"' % c for c in columns)
            for row in self.db.execute("SELECT %s FROM %s ORDER BY %s" % (names, table, names)):
                h.update(repr((table, row)).encode())
        self.db.execute("COMMIT")
        return h.hexdigest()

    def close(self):
        self.db.close()


# ---- the description -----------------------------------------------------------------

class Op:
    """One method of one path."""

    def __init__(self, schemas, path, method, d):
        self.path, self.method, self.d, self.id = path, method.upper(), d, d["operationId"]
        self.open, self.local = d.get("security") == [], {} in d.get("security", [])
        self.scope = d.get("x-scope")
        self.params = [schemas.resolve(p) for p in d["parameters"]]
        self.query = [p for p in self.params if p["in"] == "query"]
        self.args = [p["name"] for p in self.params if p["in"] == "path"]
        self.keyed = any(p["name"] == "Idempotency-Key" for p in self.params)
        self.body = d.get("requestBody")
        self.max_body = d.get("x-max-body-bytes", 0)
        self.schema = schemas.resolve(self.body["content"]["application/json"]["schema"]) if self.body else None

    def answer_schema(self, status, media="application/json"):
        return self.d["responses"].get(str(status), {}).get("content", {}).get(media, {}).get("schema")


# What includes what (docs/API.md).
GIVES = {"run:write": {"run:read"}, "approve": {"run:read"}, "project:write": {"run:read"}, "policy:write": {"policy:read"}}
SCOPES = ["run:read", "run:write", "approve", "policy:read", "policy:write", "audit:read", "project:write", "admin"]


def may(scope, op):
    return op.scope is None or scope in (op.scope, "admin") or op.scope in GIVES.get(scope, ())


class World:
    """A server with something of everything in it, and its description."""

    def __init__(self):
        self.server = s = Server()
        self.doc = s.request("GET", "/openapi.json", token=None).json
        self.schemas = Schemas(self.doc)
        self.ops = [Op(self.schemas, p, m, d) for p, item in self.doc["paths"].items() for m, d in item.items()]
        self.codes = {c["code"]: c for c in self.doc["x-error-codes"]}
        self.op = {o.id: o for o in self.ops}
        self.sandbox = s.request("GET", "/readyz", token=None).json
        self.tokens, self.ids, self.answered = {}, {}, set()
        self.add_other_tenant()
        self.store = Store(s)
        self.fill()

    def add_other_tenant(self):
        """There is no route for tenants yet; a token of one is put where tokens are."""
        s = self.server
        check(s.stop() == 0, "the server stopped badly:", s.log())
        db = sqlite3.connect(s.data + "/sallyport.db")
        now = int(time.time() * 1e6)
        db.execute("INSERT INTO tenants VALUES ('other', ?)", (now,))
        db.execute("INSERT INTO tokens (id, tenant_id, name, scopes, hash, created_us, expires_us, revoked_us, used_us) "
                   "VALUES ('tok_' || ?, 'other', 'other', 'admin', ?, ?, 0, 0, 0)",
                   (ULID, hashlib.sha256(OTHER_TOKEN.encode()).hexdigest(), now))
        db.commit()
        db.close()
        s.start()

    def fill(self):
        ok = self.ok
        for scope in SCOPES:
            self.tokens[scope] = ok("post_tokens", {"name": scope, "scopes": [scope]})["token"]
        gone = ok("post_tokens", {"name": "gone", "scopes": ["admin"]})
        self.tokens["revoked"] = gone["token"]
        ok("delete_token", ids={"token": gone["id"]})
        self.tokens["expired"] = ok("post_tokens", {"name": "soon", "scopes": ["admin"], "expires_in_ms": 1000})["token"]
        expired = time.monotonic() + 1.1
        self.ids["token"] = ok("post_tokens", {"name": "spare", "scopes": ["run:read"]})["id"]
        self.project = os.path.join(self.server.dir, "hello")
        os.makedirs(self.project + "/sub")
        for name, text in (("Makefile", "test:\n\techo tested\n"), ("one", "1\n"), ("two", "2\n")):
            with open(os.path.join(self.project, name), "w") as f:
                f.write(text)
        self.ids["project"] = ok("post_projects", {"root_path": self.project, "name": "hello"})["id"]
        ok("put_policy", {"text": POLICY, "note": "for tests"})
        self.ids["review"] = self.run(["echo hello"], "awaiting_review")
        self.ids["run"] = self.ids["review"]
        self.ids["step"] = ok("get_run")["steps"][0]["id"]
        self.ids["approval"] = ok("get_approvals", query="run_id=" + self.ids["run"])["items"][0]["id"]
        self.ids["rejected"] = self.run(["echo never"], "awaiting_review")
        ok("post_run_reject", {"note": "no"}, ids={"run": self.ids["rejected"]})
        self.wait(self.ids["rejected"], "rejected")
        self.ids["artifact"] = ok("get_run", ids={"run": self.ids["rejected"]})["artifacts"][0]["id"]
        time.sleep(max(0, expired - time.monotonic()))

    def run(self, commands, state, **more):
        body = {"project_id": "hello", "steps": [{"command": c} for c in commands], **more}
        run = self.ok("post_runs", body)["id"]
        self.wait(run, state)
        return run

    def wait(self, run, state, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            got = self.ok("get_run", ids={"run": run})
            if got["state"] == state:
                return got
            check(got["finished_at"] is None, "run", run, "ended as", got["state"], got["reason"], "instead of", state)
            time.sleep(0.02)
        raise Bad("run %s is still %s, not %s" % (run, got["state"], state))

    def rest(self, run):
        """Until nobody works on it: a person is waited for, or it has ended."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            got = self.ok("get_run", ids={"run": run})
            if got["finished_at"] or got["state"].startswith("awaiting_"):
                return got
            time.sleep(0.02)
        raise Bad("run %s is still %s" % (run, got["state"]))

    def need_sandbox(self):
        if not self.sandbox["ready"]:
            raise Skip("no sandbox here: %s" % self.sandbox["reason"])

    def path(self, op, ids=None):
        """The operation's path with ids in it; those that are not given are the world's own."""
        all_ids = {**self.ids, **(ids or {})}
        return re.sub(r"\{(\w+)\}", lambda m: all_ids[m[1]], op.path)

    def call(self, op, body=None, query="", ids=None, token="admin", key="new", headers=None):
        """One request; whatever the answer is, it must be a documented one."""
        op = self.op[op] if isinstance(op, str) else op
        a = self.server.request(op.method, self.path(op, ids) + ("?" + query if query else ""), body, token=token,
                                key=key if op.keyed else None, headers=headers)
        self.answered.add((op.id, a.status))
        self.documented(op, a)
        return a

    def ok(self, op, body=None, query="", **more):
        """A call that must not be refused: its JSON, or the bytes."""
        a = self.call(op, body, query, **more)
        check(a.status < 300, op, "was refused:", a)
        return a.json if a.is_json else a.body

    def documented(self, op, a):
        """Every JSON answer is what openapi.json says; every error is one of the table."""
        if not a.is_json or (a.status == 200 and op.answer_schema(200, "*/*")):
            return
        if a.status < 400 or (a.status == 503 and op.answer_schema(503)):
            schema = op.answer_schema(a.status)
            check(schema, op.id, "answers", a.status, "which is not documented")
            self.schemas.must(a.json, schema, "%s %s" % (op.id, a.status))
        else:
            self.error(a)

    def error(self, a):
        self.schemas.must(a.json, {"$ref": "#/components/schemas/Error"}, "an error")
        e = a.json["error"]
        check(e["code"] in self.codes, "unknown error code", a)
        check(self.codes[e["code"]]["status"] == a.status, "the status of", e["code"], "is another one:", a)
        check(e["trace_id"] == a.headers.get("x-request-id"), "X-Request-Id is not the trace id", a)


POLICY = """version: 1
default: allow
rules:
  - {id: wipe, decision: deny, reason: "it wipes the disk", command: {program: rm, flags: [r], paths: ["/"]}}
  - {id: careful, decision: ask, reason: "a person looks at it", command: {any: ["touch careful*"]}}
"""
