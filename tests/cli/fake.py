"""fake - a server made of answers, for e2e.py: just enough of docs/API.md to drive the command line.

A run is a list of events that grows when a door is answered. The server can cut a stream after any event, and can be
stopped and started again on its port, so that resuming is tested too.
"""
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TIME = "2026-11-20T23:44:01.000001Z"
TOKEN = "sp_secret_of_the_test"
BINARY = "diff --git a/hello b/hello\nnew file mode 100755\nGIT binary patch\nliteral 16072\nzc%1E9U2Ggz6\n\n"


def rid(n):
    return "run_01JD3K7Q2V5W8X9Y0Z1A2B%04d" % n


class Run:
    def __init__(self, n, body):
        self.id, self.body, self.n = rid(n), body, n
        self.state, self.reason, self.events, self.steps = "queued", None, [], []
        self.apply, self.changes, self.cond = None, None, threading.Condition()
        cmds = [s.get("command") for s in body.get("steps", [])] or ["make test"]
        self.set_plan([{"command": c} for c in cmds])
        self.emit("run.planned", self.plan())
        if body.get("review") in ("effects", "none"):
            self.execute()
        else:
            self.go("awaiting_review")

    def set_plan(self, steps):
        self.steps = [dict({"title": "Step", "cwd": ".", "env_names": [], "reason": "asked for", "wall_ms": None}, **s,
                           index=i, decision={"action": "allow", "rule": "r1", "reason": "fine", "piece": None})
                      for i, s in enumerate(steps)]
        self.hash = hashlib.sha256(json.dumps(self.steps).encode()).hexdigest()

    def plan(self):
        return {"run_id": self.id, "title": self.body.get("intent", ""), "notes": [], "plan_hash": self.hash,
                "policy_version": 1, "steps": self.steps}

    def emit(self, kind, data):
        with self.cond:
            n = len(self.events) + 1
            self.events.append({"id": "c%d" % n, "seq": n, "type": kind, "time": TIME, "run_id": self.id, "data": data})
            self.cond.notify_all()

    def go(self, state):
        old, self.state = self.state, state
        self.emit("run.status", {"from": old, "to": state, "phase": None, "reason": None})

    def end(self, state, reason=None):
        self.reason = reason
        self.go(state)
        self.emit("run.completed", {"state": state, "reason": reason})

    def log(self, step, stream, text):
        self.emit("step.log", {"step_id": step["id"], "attempt": 1, "stream": stream, "offset": 8, "text": text})

    def execute(self):
        self.go("running")
        failed = False
        for s in self.steps:
            s.update(id="stp_%d" % s["index"], attempt=1, state="running")
            self.emit("step.started", s)
            cmd = s.get("command") or ""
            if cmd.startswith("slow"):
                return
            if cmd.startswith("ask"):
                self.approval = {"id": "apr_01JD3K7Q2V5W8X9Y0Z1A2B3C4D", "run_id": self.id, "step_id": s["id"],
                                 "kind": "command", "subject": {"kind": "command", "text": cmd, "cwd": "", "env_names": [], "network": "none"}, "subject_hash": "sh", "rule": "net",
                                 "reason": "asks", "piece": None, "state": "pending", "actor": None}
                self.emit("approval.required", self.approval)
                self.go("awaiting_approval")
                return
            self.log(s, "stdout", "out of " + cmd + "\n")
            self.log(s, "stderr", "err of " + cmd + "\x1b[2J\n")
            failed = cmd == "false"
            s.update(state="failed" if failed else "succeeded", exit_code=int(failed), duration_ms=12)
            self.emit("step.finished", s)
        if failed:
            self.end("failed", {"code": "step_failed", "message": "step 1 ended with exit code 1"})
        elif self.body.get("review") == "none":
            self.end("succeeded")
        else:
            self.changes = {"digest": "d" * 64, "files": 1, "additions": 14, "deletions": 0, "refused": 0, "items": [
                {"path": "report.md", "kind": "added", "additions": 14, "deletions": 0, "binary": False, "refused": None}]}
            self.emit("changes.ready", self.changes)
            self.go("awaiting_apply")

    def view(self):
        done = self.state in ("succeeded", "failed", "rejected", "canceled")
        return {"id": self.id, "kind": "plan", "project_id": "prj_1", "project_name": "hello", "state": self.state,
                "phase": None, "intent": self.body.get("intent"), "plan_hash": self.hash, "reason": self.reason,
                "outcome": None, "apply": self.apply, "duration_ms": 3149 if done else None, "created_at": TIME,
                "actor": "uid:0", "steps": self.steps, "changes": self.changes, "artifacts":
                [{"id": "art_%s" % n, "name": n, "media_type": "text/plain", "size_bytes": 3, "sha256": "x"}
                 for n in ("report.md", "audit.json", "diff.patch")] if done else []}


class Fake:
    def __init__(self):
        self.runs, self.seen, self.cut_after, self.conflict, self.port = [], [], None, False, 0
        self.keys = {}
        self.start()

    def start(self):
        fake = self

        class H(Handler):
            server_fake = fake
        ThreadingHTTPServer.allow_reuse_address = True
        ThreadingHTTPServer.daemon_threads = True
        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), H)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def last(self):
        return self.runs[-1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart

    def log_message(self, *a):
        pass

    def reply(self, status, body, kind="application/json"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw) if status != 204 else 0))
        self.end_headers()
        if status != 204:
            self.wfile.write(raw)

    def fail(self, status, code, message, details=None):
        self.reply(status, {"error": {"code": code, "message": message, "details": details or {}, "trace_id": "t"}})

    def handle_any(self):
        f = self.server_fake
        url = urlsplit(self.path)
        segs = [unquote(s) for s in url.path.split("/")[3:]]
        query = parse_qs(url.query)
        n = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(n) or b"null")
        f.seen.append((self.command, self.path, body, dict(self.headers)))
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.fail(401, "unauthorized", "a valid token is needed")
        if self.command != "GET" and not self.headers.get("Idempotency-Key"):
            return self.fail(400, "idempotency_key_required", "send an Idempotency-Key header")
        name = "do_%s_%s" % (self.command, "_".join([segs[0]] + segs[2:3]))
        getattr(self, name, self.nothing)(f, segs, query, body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def nothing(self, f, segs, query, body):
        self.fail(404, "not_found", "there is nothing of that name")

    def run(self, f, segs):
        return next((r for r in f.runs if r.id == segs[1]), None)

    def do_GET_whoami(self, f, segs, query, body):
        self.reply(200, {"actor": "tok:x", "tenant_id": "default", "scopes": ["admin"], "version": "0.1.0"})

    def do_GET_projects(self, f, segs, query, body):
        self.reply(200, {"items": [{"id": "prj_1", "name": "hello", "root_path": f.root, "settings": {},
                                    "created_at": TIME}], "next": None})

    def do_POST_projects(self, f, segs, query, body):
        self.reply(201, {"id": "prj_1", "name": body.get("name") or "x", "root_path": body["root_path"],
                         "created_at": TIME, "warnings": ["3 files belong to somebody else"]})

    def do_POST_runs(self, f, segs, query, body):
        if body.get("intent") == "nonsense":
            return self.fail(422, "intent_not_understood", "the built-in planner does not understand this")
        f.runs.append(Run(len(f.runs) + 1, body))
        self.reply(202, f.last().view())

    def do_GET_runs(self, f, segs, query, body):
        if len(segs) == 1:
            items = [r.view() for r in reversed(f.runs)][:int(query["limit"][0])]
            return self.reply(200, {"items": items, "next": None})
        r = self.run(f, segs)
        return self.reply(200, r.view()) if r else self.nothing(f, segs, query, body)

    def do_GET_runs_plan(self, f, segs, query, body):
        self.reply(200, self.run(f, segs).plan())

    def do_PUT_runs_plan(self, f, segs, query, body):
        r = self.run(f, segs)
        r.set_plan(body["steps"])
        r.emit("run.planned", r.plan())
        self.reply(200, r.plan())

    def door(self, f, segs, state, then):
        r = self.run(f, segs)
        if r.state != state:
            return self.fail(409, "invalid_state", "the run is %s" % r.state)
        then(r)
        self.reply(200, r.view())

    def do_POST_runs_approve(self, f, segs, query, body):
        if body.get("plan_hash") != self.run(f, segs).hash:
            return self.fail(409, "plan_changed", "the plan is not the one that was reviewed")
        self.door(f, segs, "awaiting_review", lambda r: r.execute())

    def do_POST_runs_reject(self, f, segs, query, body):
        self.door(f, segs, "awaiting_review",
                  lambda r: r.end("rejected", {"code": "plan_rejected", "message": "rejected at review"}))

    def do_POST_runs_discard(self, f, segs, query, body):
        self.door(f, segs, "awaiting_apply",
                  lambda r: r.end("rejected", {"code": "changes_discarded", "message": "discarded"}))

    def do_POST_runs_apply(self, f, segs, query, body):
        def then(r):
            r.go("applying")
            if f.conflict:
                r.apply = {"applied": False, "files": 0, "conflicts": [{"path": "report.md", "why": "changed since"}], "skipped": []}
                r.go("awaiting_apply")
            else:
                r.apply = {"applied": True, "files": 1, "conflicts": [], "skipped": []}
                r.end("succeeded")
        self.door(f, segs, "awaiting_apply", then)

    def do_POST_runs_cancel(self, f, segs, query, body):
        self.run(f, segs).end("canceled", {"code": "canceled_by_user", "message": "canceled"})
        self.reply(202, self.run(f, segs).view())

    def do_POST_runs_undo(self, f, segs, query, body):
        f.runs.append(Run(len(f.runs) + 1, {"review": "none"}))
        self.reply(202, f.last().view())

    def do_GET_runs_changes(self, f, segs, query, body):
        self.reply(200, self.run(f, segs).changes)

    def do_GET_runs_diff(self, f, segs, query, body):
        only = " ".join(query.get("path", []))
        text = "diff --git a/report.md b/report.md %s\n+new\x1b[31m\n" % only
        self.reply(200, (text if only else text + BINARY).encode(), "text/x-diff")

    def do_GET_runs_artifacts(self, f, segs, query, body):
        self.reply(200, {"items": self.run(f, segs).view()["artifacts"]})

    def do_GET_artifacts(self, f, segs, query, body):
        self.reply(200, b"# report\n", "text/markdown")

    def do_GET_approvals(self, f, segs, query, body):
        a = f.last().approval
        if len(segs) > 1:
            return self.reply(200, a)
        self.reply(200, {"items": [a] if a["state"] == "pending" else [], "next": None})

    def do_POST_approvals(self, f, segs, query, body):
        r = f.last()
        if r.approval["state"] != "pending":
            return self.fail(409, "already_resolved", "that was answered already")
        r.approval.update(state="allowed" if body["decision"] == "allow" else "denied", actor="tok:x")
        if body["decision"] == "allow":
            r.end("succeeded")
        else:
            r.end("failed", {"code": "approval_denied", "message": "a person denied the step"})
        self.reply(200, r.approval)

    def do_POST_policy(self, f, segs, query, body):
        if "replay" in segs:
            return self.policy_replay(body)
        d = {"rm -rf /": "deny", "curl x": "ask"}.get(body["command"], "allow")
        self.reply(200, {"decision": d, "rule": "r1", "reason": "because", "piece": None, "policy_version": 0,
                         "commands": [], "opaque": []})

    do_POST_policy_test = do_POST_policy

    def policy_replay(self, body):
        step = {"step_id": "stp_1", "index": 0, "command": "make x", "argv": None, "cwd": "sub", "changed": True,
                "then": {"action": "allow", "rule": "r1", "reason": "because", "piece": None, "approval_id": None},
                "now": {"action": "deny", "rule": "r2", "reason": "no", "piece": "make", "approval_id": None}}
        run = {"run_id": "run_1", "project_name": "hello", "state": "succeeded", "created_at": "2026-01-01T00:00:00Z",
               "steps": [step], "changed": 1}
        one = {"allow": 1, "ask": 0, "deny": 0}
        counts = {"runs": 1, "runs_changed": 1, "steps": 1, "changed": 1, "unjudged": 0, "then": one,
                  "now": {"allow": 0, "ask": 0, "deny": 1}}
        if body.get("after"):
            run, counts["changed"], counts["runs_changed"], counts["now"] = None, 0, 0, one
        self.reply(200, {"since": "2026-01-01T00:00:00Z", "policy_version": 2, "items": [run] if run else [],
                         "counts": counts, "next": None if body.get("after") else "run_1"})

    def do_POST_audit_verify(self, f, segs, query, body):
        self.reply(200, {"ok": False, "records": 3, "head": {"seq": 3, "hash": "h"}, "error": "record 2 is broken"})

    do_POST_audit = do_POST_audit_verify

    def do_POST_tokens(self, f, segs, query, body):
        self.reply(201, {"id": "tok_1", "name": body["name"], "scopes": body["scopes"], "token": "sp_new"})

    def do_GET_runs_events(self, f, segs, query, body):
        r = self.run(f, segs)
        at = self.headers.get("Last-Event-ID") or query.get("cursor", [""])[0]
        pos = int(at[1:]) if at else 0
        if "json" in (self.headers.get("Accept") or ""):
            items = r.events[pos:pos + 3]
            return self.reply(200, {"items": items, "cursor": items[-1]["id"] if items else at, "final": False})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.stream(f, r, pos)
        except OSError:
            pass

    def stream(self, f, r, pos):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with r.cond:
                if pos >= len(r.events):
                    r.cond.wait(0.1)
            while pos < len(r.events):
                ev = r.events[pos]
                pos += 1
                self.wfile.write(("id: %s\nevent: %s\ndata: %s\n\n" % (ev["id"], ev["type"], json.dumps(ev))).encode())
                self.wfile.flush()
                if ev["type"] == "run.completed":
                    return
                if f.cut_after == pos:
                    f.cut_after = None
                    self.wfile.write(b"id: c99\nevent: step.log\ndata: {\"half")  # torn: must count for nothing
                    return
            self.wfile.write(b": still here\n\n")
            self.wfile.flush()
