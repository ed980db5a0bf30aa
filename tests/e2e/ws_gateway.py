"""ws_gateway - see ws_gateway.sh."""
import json
import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_lib import OTHER_TOKEN, SCOPES, ULID, Bad, Conn, Results, World, check, may, run_main  # noqa: E402
from ws_lib import TEXT, Closed, Refused, Ws, close_frame, frame, until  # noqa: E402

REF = "#/components/schemas/"


class Checked(Ws):
    """Every frame of the server is one of the documented ones."""
    world = None

    def message(self, pings=True):
        m = super().message(pings)
        w = Checked.world
        check(m.get("type") in ("res", "event"), "a frame of type", m)
        w.schemas.must(m, {"$ref": REF + ("WsResponse" if m["type"] == "res" else "WsEvent")}, "a frame")
        if "error" in m:
            w.schemas.must({"error": m["error"]}, {"$ref": REF + "Error"}, "an error")
            check(m["error"]["code"] in w.codes, "an unknown code", m)
        return m


def join(w, token="admin", **params):
    c = Checked(w.server, token)
    hello = c.connect(**params)
    w.schemas.must(hello, {"$ref": REF + "WsHello"}, "hello")
    c.hello = hello
    return c


def op_of(w, method):
    return next(o for o in w.ops if o.d.get("x-ws-method") == method)


def call(w, c, method, params=None, key=True):
    """A method that must succeed; its result is what the route's answer would be."""
    op = op_of(w, method)
    params = dict(params or {})
    if op.keyed and key:
        params["idempotency_key"] = w.server.key()
    result = c.ok(method, params)
    schema = op.answer_schema(next(int(s) for s in op.d["responses"] if s[0] == "2"))
    w.schemas.must(result, schema or {"$ref": REF + "WsText"}, method)
    return result


def events(c, sub, last="run.completed"):
    """The events of a subscription up to that type; those of others stay."""
    got, others = [], []
    while not got or got[-1]["type"] != last:
        m = c.event()
        if m["subscription"] != sub:
            others.append(m)
            continue
        check("event" in m, m)
        got.append(m["event"])
    c.events = others + c.events
    return got


def paged(w, run):
    """The same events over HTTP."""
    got, cursor = [], ""
    while True:
        p = w.ok("get_run_events", ids={"run": run}, headers={"Accept": "application/json"}, query="limit=5000&cursor=" + cursor)
        got += p["items"]
        if p["final"]:
            return got
        check(p["cursor"] != cursor, "no end")
        cursor = p["cursor"]


# ---- methods ---------------------------------------------------------------------------

def methods(w):
    """Every method answers as its route does, and refuses what it refuses."""
    c = join(w)
    names = {o.d["x-ws-method"] for o in w.ops if "x-ws-method" in o.d}
    check(set(c.hello["methods"]) == names | {"subscribe", "unsubscribe", "ping"}, "hello names others than openapi.json", c.hello)
    ids = {"run_id": w.ids["run"], "step_id": w.ids["step"], "approval_id": w.ids["approval"], "project_id": "hello"}
    n = 0
    for o in w.ops:
        if o.method == "GET" and o.d.get("x-ws-method") and o.id not in ("get_run_changes", "get_run_diff"):
            got = call(w, c, o.d["x-ws-method"], {a + "_id": ids[a + "_id"] for a in o.args})
            want = w.ok(o.id, headers={"Accept": "application/json"})
            if o.id.endswith("audit"):
                got, want = got["items"], want["items"]  # the head is signed anew each time
            check(got == want or o.id in ("get_metrics_summary", "get_queue", "get_retention"), o.id, "is another answer:", got, want)
            n += 1
    check(call(w, c, "runs.list", {"limit": 1})["items"][0]["id"].startswith("run_"), "a number as query")
    check(len(call(w, c, "runs.list", {"limit": 1, "state": "rejected"})["items"]) == 1, "two of them")
    check(call(w, c, "approval.queue", {"state": "pending", "run_id": w.ids["run"]})["items"], "text as query")
    for method, params, code in (
            ("runs.get", {}, "invalid_request"), ("runs.get", {"run_id": 1}, "invalid_request"), ("runs.get", {"run_id": "x"}, "not_found"),
            ("runs.get", {"run_id": "run_" + ULID}, "not_found"), ("runs.get", {"run_id": w.ids["run"], "x": 1}, "unknown_field"),
            ("runs.get", {"run_id": "../runs"}, "invalid_request"), ("runs.get", {"run_id": ".."}, "invalid_request"),
            ("runs.get", {"run_id": "a/b"}, "invalid_request"), ("runs.get", {"run_id": "%2e%2e"}, "not_found"),
            ("runs.get", {"run_id": ""}, "invalid_request"), ("runs.get", {"run_id": "x?limit=1"}, "not_found"),
            ("runs.list", {"limit": "1&state=failed"}, "invalid_request"), ("runs.list", {"limit": 0}, "invalid_request"),
            ("runs.list", {"limit": True}, "invalid_request"), ("runs.list", {"limit": {}}, "invalid_request"),
            ("runs.list", {"limit": [1, 2]}, "invalid_request"), ("runs.list", {"li mit&x=1": 1}, "unknown_field"),
            ("runs.create", {"idempotency_key": "k", "zzz": 1}, "unknown_field"), ("runs.create", {}, "idempotency_key_required"),
            ("runs.create", {"idempotency_key": "", "project_id": "hello"}, "idempotency_key_required"),
            ("runs.create", {"idempotency_key": "\u20ac"}, "invalid_request"), ("runs.create", {"idempotency_key": "x" * 201}, "invalid_request"),
            ("runs.create", {"idempotency_key": "a", "idempotencyKey": "a"}, "invalid_request"),
            ("runs.create", {"idempotency_key": "a", "project_id": 1.5}, "invalid_request"),
            ("runs.apply", {"run_id": w.ids["run"], "idempotency_key": "a"}, "invalid_state"),
            ("ping", {"x": 1}, "unknown_field"), ("connect", {"protocol": {"min": 1, "max": 1}}, "invalid_state"),
            ("subscribe", {"run_id": "run_" + ULID}, "not_found"), ("subscribe", {"run_id": "x"}, "not_found"),
            ("subscribe", {}, "invalid_request"), ("subscribe", {"run_id": w.ids["run"], "cursor": "x"}, "invalid_cursor"),
            ("subscribe", {"run_id": w.ids["run"], "x": 1}, "unknown_field"), ("unsubscribe", {"subscription": "s1000"}, "not_found"),
            ("unsubscribe", {"subscription": "x"}, "not_found"), ("unsubscribe", {"subscription": "s01"}, "not_found"),
            ("sessions.list", {}, "unknown_method"), ("agent.run", {}, "unknown_method"), ("runtime.setMode", {}, "unknown_method"),
            ("tokens.list", {}, "unknown_method"), ("", {}, "unknown_method"), ("RUNS.GET", {}, "unknown_method")):
        got = c.err(method, params)
        check(got == code, method, params, "is", got, "and not", code)
        n += 1
    c.close()
    return n


def frames(w):
    """What is no frame is told so, by id where there is one, and the connection goes on."""
    c = join(w)
    for text, id, code in (
            ("", None, "invalid_json"), ("{", None, "invalid_json"), ("null", None, "invalid_request"), ("[]", None, "invalid_request"),
            ('{"a":1,"a":2}', None, "invalid_json"), ("{}", None, "invalid_request"), ('{"id":1}', None, "invalid_request"),
            ('{"id":null,"type":"req"}', None, "invalid_request"), ('{"id":"%s"}' % ("x" * 65), None, "invalid_request"),
            ('{"id":"a"}', "a", "invalid_request"), ('{"id":"a","type":"res"}', "a", "invalid_request"),
            ('{"id":"a","type":"req"}', "a", "invalid_request"), ('{"id":"a","type":"req","method":"ping","more":1}', "a", "unknown_field"),
            ('{"id":"a","type":"req","method":"ping","params":[]}', "a", "invalid_request"),
            ('{"id":"a","type":"req","method":"ping","params":null}', "a", "invalid_request"),
            ('{"id":"a","type":"req","method":1}', "a", "invalid_request"), ('{"id":"a\\u0000","type":"req"}', None, "invalid_json"),
            ('{"id":"a"} {}', None, "invalid_json"), ("[" * 100000, None, "invalid_json"), ("\0", None, "invalid_json"),
            (" " * 1000000 + "}", None, "invalid_json")):
        c.send(frame(TEXT, text))
        m = c.message()
        check(m["id"] == id and not m["ok"] and m["error"]["code"] == code, text[:80], "is answered", m)
    check(c.ok("ping")["time"], "still there")
    trace = "00-%032x-%016x-01" % (0xabc, 0xdef)
    m = c.call("runs.get", {"run_id": "x"}, traceparent=trace)
    check(m["error"]["trace_id"] == "%032x" % 0xabc, "the trace", m)
    c.close()


def scopes(w):
    """A method takes what its route takes: for each scope, every method is forbidden or not."""
    n = 0
    for scope in SCOPES:
        c = join(w, w.tokens[scope])
        check(scope in c.hello["scopes"], c.hello)
        for o in w.ops:
            name = o.d.get("x-ws-method")
            if not name:
                continue
            m = c.call(name, {a + "_id": "x" for a in o.args})
            forbidden = not m["ok"] and m["error"]["code"] == "forbidden"
            check(forbidden == (not may(scope, o)) or o.id == "post_policy_replay", scope, name, m)  # that one needs two
            n += 1
        m = c.call("subscribe", {"run_id": w.ids["run"]})
        check(m["ok"] == may(scope, w.op["get_run"]), scope, "subscribes", m)
        c.close()
    for token in (w.tokens["revoked"], w.tokens["expired"], "sp_" + "x" * 43, "x", "", "sp_" + "x" * 190):
        c = Checked(w.server, None)
        check(c.err("connect", {"protocol": {"min": 1, "max": 1}, "token": token}) == "unauthorized" and c.ended() == 1008, token)
    c = join(w, OTHER_TOKEN)  # of another tenant: it sees nothing of this one
    for name, params in (("runs.get", {"run_id": w.ids["run"]}), ("subscribe", {"run_id": w.ids["run"]}),
                         ("runs.cancel", {"run_id": w.ids["run"], "idempotency_key": "x"}), ("steps.get", {"step_id": w.ids["step"]}),
                         ("approval.resolve", {"approval_id": w.ids["approval"], "decision": "allow", "idempotency_key": "y"})):
        check(c.err(name, params) == "not_found", name)
    check(c.ok("runs.list")["items"] == [], "runs of another tenant")
    hello = Checked(w.server, OTHER_TOKEN)
    hello = hello.connect(cursors={w.ids["run"]: None})
    check(hello["subscriptions"][0]["error"]["code"] == "not_found", hello)
    c.close()
    return n


def idempotency(w):
    """A repeated key makes one run, over WebSocket, over HTTP, and both at the same time."""
    c, key = join(w), w.server.key()
    body = {"project_id": "hello", "steps": [{"command": "echo once"}], "review": "both"}
    first = c.call("runs.create", {**body, "idempotency_key": key})
    again = c.call("runs.create", dict(reversed(list({**body, "idempotencyKey": key}.items()))))
    check(first["result"] == again["result"] and again.get("replayed") and "replayed" not in first, first, again)
    a = w.server.request("POST", "/api/v1/runs", body, key=key)  # and over HTTP, spelled in another way
    check(a.headers.get("idempotency-replayed") == "true" and a.json == first["result"], "over HTTP:", a)
    check(c.err("runs.create", {**body, "review": "plan", "idempotency_key": key}) == "idempotency_mismatch", "another body")
    key = w.server.key()
    a = w.server.request("POST", "/api/v1/runs", json.dumps(body, indent=3).encode(), key=key)
    check(c.call("runs.create", {**body, "idempotency_key": key}).get("replayed"), "HTTP first")
    key, made = w.server.key(), []  # at the same time, over connections of their own
    both = [join(w) for _ in range(6)]
    threads = [threading.Thread(target=lambda x=x: made.append(x.ok("runs.create", {**body, "idempotency_key": key})["id"])) for x in both]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(len(made) == 6 and len(set(made)) == 1, "runs made:", made)
    rows = w.ok("get_audit", query="limit=1000&action=run.created")["items"]
    check([r["surface"] for r in rows if r["target"] in made] == ["ws"], "audited as", rows[-1])
    for x in both + [c]:
        x.close()


def whole_run(w):
    """Both doors over one connection, and everything that can be asked of a run."""
    w.need_sandbox()
    c = join(w)
    run = call(w, c, "runs.create", {"project_id": "hello", "steps": [{"command": "echo old"}], "review": "both"})["id"]
    sub = c.ok("subscribe", {"run_id": run})["subscription"]
    wait(c, run, "awaiting_review")
    plan = call(w, c, "runs.plan.put", {"run_id": run, "steps": [{"command": "echo new > new; echo said; echo loud >&2; mkdir d; : > d/f"}]})
    check(c.err("runs.approve", {"run_id": run, "plan_hash": "0" * 64, "idempotency_key": w.server.key()}) == "plan_changed", "an old plan")
    call(w, c, "runs.approve", {"run_id": run, "plan_hash": plan["plan_hash"], "note": "fine"})
    wait(c, run, "awaiting_apply")
    check({i["path"] for i in call(w, c, "runs.changes", {"run_id": run})["items"]} >= {"new"}, "changes")
    check("+new" in call(w, c, "runs.diff", {"run_id": run})["text"], "diff")
    check("d/f" not in call(w, c, "runs.diff", {"run_id": run, "path": ["new"]})["text"], "diff of one file")
    step = call(w, c, "runs.steps", {"run_id": run})["items"][0]["id"]
    check("said\n" in "".join(f["text"] for f in call(w, c, "steps.log", {"step_id": step})["items"]), "the log")
    digest = call(w, c, "runs.get", {"run_id": run})["changes"]["digest"]
    call(w, c, "runs.apply", {"run_id": run, "digest": digest, "paths": ["new"]})
    wait(c, run, "succeeded")
    with open(os.path.join(w.project, "new")) as f:
        check(f.read() == "new\n", "applied")
    got = events(c, sub)
    check(got == paged(w, run), "events over WebSocket and HTTP differ")
    check({a["name"] for a in call(w, c, "runs.artifacts", {"run_id": run})["items"]} == {"report.md", "audit.json", "diff.patch"}, "artifacts")
    check({r["surface"] for r in call(w, c, "runs.audit", {"run_id": run})["items"]} <= {"ws", "system"}, "surfaces")
    undo = call(w, c, "runs.undo", {"run_id": run})["id"]
    wait(c, undo, "succeeded")
    check(not os.path.exists(os.path.join(w.project, "new")), "undone")
    run = call(w, c, "runs.create", {"project_id": "hello", "steps": [{"command": "echo x > x"}], "review": "effects"})["id"]
    wait(c, run, "awaiting_apply")
    call(w, c, "runs.discard", {"run_id": run, "note": "no"})
    wait(c, run, "succeeded rejected failed")
    run = call(w, c, "runs.create", {"project_id": "hello", "steps": [{"command": "touch careful"}], "review": "effects"})["id"]
    wait(c, run, "awaiting_approval")
    ask = call(w, c, "approval.queue", {"run_id": run, "state": "pending"})["items"][0]
    call(w, c, "approval.resolve", {"approval_id": ask["id"], "decision": "deny", "note": "no"})
    check(c.err("approval.resolve", {"approval_id": ask["id"], "decision": "allow", "idempotency_key": "z"}) == "already_resolved", "twice")
    wait(c, run, "failed")
    run = call(w, c, "runs.create", {"project_id": "hello", "steps": [{"command": "sleep 100"}], "review": "effects"})["id"]
    wait(c, run, "running")
    call(w, c, "runs.cancel", {"run_id": run})
    wait(c, run, "canceled")
    run = call(w, c, "runs.create", {"project_id": "hello", "steps": [{"command": "true"}]})["id"]
    wait(c, run, "awaiting_review")
    call(w, c, "runs.reject", {"run_id": run})
    wait(c, run, "rejected")
    call(w, c, "runs.try_plan", {"project_id": "hello", "intent": "run the tests"})
    version = call(w, c, "policy.get")["version"]
    text = call(w, c, "policy.get")["text"]
    check(call(w, c, "policy.update", {"text": text, "base_version": version})["version"] == version + 1, "policy.update")
    m = c.call("policy.update", {"text": "rules: [x", "idempotency_key": w.server.key()})
    check(m["error"]["details"]["problems"], "problems", m)
    call(w, c, "policy.test", {"command": "rm -r /"})
    call(w, c, "policy.replay", {"limit": 3})
    c.close()


def wait(c, run, states):
    until(60, lambda: c.ok("runs.get", {"run_id": run})["state"] in states.split(), "run %s in %s" % (run, states))


# ---- streams ------------------------------------------------------------------------------

def noisy(w, lines, name="noisy", tail=""):
    run = w.run(["i=0; while [ $i -lt %d ]; do echo %s $i; i=$((i+1)); done%s" % (lines, name, tail), "printf '\\377\\000\\n'; echo err >&2"],
                "succeeded", review="none")
    return run


def resume(w):
    """From every cursor: the rest, once."""
    w.need_sandbox()
    run = noisy(w, 200)
    every = paged(w, run)
    c = join(w)
    n = 0
    for k in range(len(every)):
        s = c.ok("subscribe", {"run_id": run, "cursor": every[k]["id"]} if k else {"run_id": run})
        check(s["cursor"] == every[k]["id"] or not k, s)
        if k == len(every) - 1:
            break  # nothing comes any more
        got = events(c, s["subscription"])
        check(got == every[k + 1 if k else 0:], "resumed after", k, "of", len(every))
        n += 1
    other = w.ids["rejected"]
    check(c.err("subscribe", {"run_id": other, "cursor": every[3]["id"]}) == "invalid_cursor", "a cursor of another run")
    c.close()
    c = Checked(w.server)
    hello = c.connect(cursors={run: every[2]["id"], other: None, "run_" + ULID: None, w.ids["review"]: "bad"})
    subs = {x["run_id"]: x for x in hello["subscriptions"]}
    check(subs["run_" + ULID]["error"]["code"] == "not_found" and subs[w.ids["review"]]["error"]["code"] == "invalid_cursor", subs)
    a, b = subs[run]["subscription"], subs[other]["subscription"]
    check(events(c, a) == every[3:] and events(c, b) == paged(w, other), "cursors of connect")
    got = c.ok("unsubscribe", {"subscription": a})
    check(got["run_id"] is None, "it had ended", got)
    c.close()
    return n


def many(w):
    """A hundred at once, the same run twice, and no event after unsubscribe."""
    w.need_sandbox()
    run = noisy(w, 50)
    every = paged(w, run)
    c = join(w)
    subs = [c.ok("subscribe", {"run_id": w.ids["review"]})["subscription"] for _ in range(99)]
    subs.append(c.ok("subscribe", {"run_id": w.ids["review"]})["subscription"])
    check(c.err("subscribe", {"run_id": run}) == "too_many_subscriptions", "101")
    seen = {s: 0 for s in subs}
    want = len(w.ok("get_run_events", ids={"run": w.ids["review"]}, headers={"Accept": "application/json"})["items"])
    while min(seen.values()) < want:
        seen[c.event()["subscription"]] += 1
    check(set(seen.values()) == {want}, seen)
    for s in subs[:2]:
        check(c.ok("unsubscribe", {"subscription": s})["subscription"] == s, s)
    a, b = (c.ok("subscribe", {"run_id": run})["subscription"] for _ in range(2))
    check(a not in subs and b not in subs, "names are new")
    check(events(c, a) == every and events(c, b) == every, "the same run twice")
    check(len({c.ok("subscribe", {"run_id": run})["subscription"] for _ in range(2)}) == 2, "ended ones do not count")
    c.close()
    c = join(w)  # unsubscribe in the middle of a flood
    big = noisy(w, 3000)
    every = paged(w, big)
    s = c.ok("subscribe", {"run_id": big})["subscription"]
    first = c.event()["event"]
    got = c.ok("unsubscribe", {"subscription": s})
    had = [first] + [m["event"] for m in c.events]
    check(had == every[:len(had)], "before unsubscribe")
    c.ok("ping")
    check(len(c.events) + 1 == len(had), "events after unsubscribe")
    if got["cursor"]:
        s = c.ok("subscribe", {"run_id": big, "cursor": got["cursor"]})["subscription"]
        c.events = []
        check(had + events(c, s) == every, "the cursor of unsubscribe loses or repeats something")
    c.close()


def fair(w):
    """One that prints megabytes does not hold up another's end."""
    w.need_sandbox()
    big = w.run(["head -c 6000000 /dev/zero | tr '\\0' x | fold -w 1000"], "succeeded", review="none", limits={"output_bytes": 1 << 26})
    small = noisy(w, 20)
    c = join(w)
    a = c.ok("subscribe", {"run_id": big})["subscription"]
    b = c.ok("subscribe", {"run_id": small})["subscription"]
    before, total, last = None, 0, None
    while last != "run.completed" or before is None:
        m = c.event()
        if m["subscription"] == a:
            last = m["event"]["type"]
            total += len(m["event"]["data"].get("text", "")) if last == "step.log" else 0
        elif m["event"]["type"] == "run.completed":
            before = total
        check(m["subscription"] in (a, b), m)
    check(total == 6005999, "bytes", total)
    check(before < total - 1000000, "the small one ended after", before, "of", total)
    c.close()


def rss(w):
    with open("/proc/%d/statm" % w.server.proc.pid) as f:
        return int(f.read().split()[1]) * 4096


def slow(w):
    """Who does not read costs a chunk, and loses nothing."""
    w.need_sandbox()
    big = w.run(["head -c 8000000 /dev/zero | tr '\\0' y | fold -w 1000"], "succeeded", review="none", limits={"output_bytes": 1 << 26})
    every = paged(w, big)
    before = rss(w)
    lazy = [join(w) for _ in range(10)]
    for c in lazy:
        c.ask("subscribe", {"run_id": big})
        c.ask("subscribe", {"run_id": big})
    time.sleep(1)
    grown = rss(w) - before
    sanitized = os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS")
    check(sanitized or grown < 50 * 1024 * 1024, "ten clients that do not read cost", grown)
    c = lazy[0]
    a, b = c.answer("q2")["result"]["subscription"], c.answer("q3")["result"]["subscription"]
    check(events(c, a) == every, "the slow one lost something")
    check(events(c, b) == every, "its other one lost something")
    for c in lazy:
        c.close()
    c = join(w)  # requests whose answers are not read wait, and are answered in order
    ids = [c.ask("runs.events", {"run_id": big, "limit": 200}) for _ in range(60)]
    time.sleep(1)
    check(sanitized or rss(w) - before < 100 * 1024 * 1024, "unread answers cost", rss(w) - before)
    for id in ids:
        check(c.answer(id)["ok"], id)
    c.close()


def follow(server, run, cursor, got, stop):
    """Follows a run into got, through as many connections as it takes."""
    while not stop.is_set():
        try:
            c = Checked(server, timeout=10)
            hello = c.connect(cursors={run: cursor})
            check("subscription" in hello["subscriptions"][0], hello)
            while True:
                e = c.event()["event"]
                got.append(e)
                cursor = e["id"]
                if e["type"] == "run.completed":
                    c.close()
                    return
        except (OSError, Closed, Refused):
            time.sleep(0.02)


def parts(every):
    """What has an order: the stored events, and each step's log. How they lie between each other is as found."""
    logs = {}
    for e in every:
        if e["type"] == "step.log":
            logs.setdefault((e["step_id"], e["data"]["stream"]), []).append(e["data"])
    return [{k: v for k, v in e.items() if k != "id"} for e in every if "seq" in e], logs


def kill9(w):
    """The server dies three times under a run that prints numbers: each follower has each event once, in order."""
    w.need_sandbox()
    run = w.ok("post_runs", {"project_id": "hello", "review": "none", "steps": [
        {"command": "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); sleep 0.01; done"}, {"command": "echo end"}]})["id"]
    stop = threading.Event()
    all_got = [[] for _ in range(6)]
    threads = [threading.Thread(target=follow, args=(w.server, run, None, g, stop), daemon=True) for g in all_got]
    for t in threads:
        t.start()
    for _ in range(3):
        time.sleep(0.9)
        w.server.proc.send_signal(signal.SIGKILL)
        w.server.proc.wait()
        w.server.proc = None
        os.unlink(os.path.join(w.server.data, "address"))
        w.server.start()
    w.wait(run, "succeeded", 120)
    for t in threads:
        t.join(60)
    stop.set()
    every = paged(w, run)
    for g in all_got:
        check(parts(g) == parts(every), "a follower has", len(g), "events of", len(every))
    text = "".join(e["data"]["text"] for e in every if e["type"] == "step.log" and e["data"]["stream"] == "stdout")
    check(text == "".join("line %d\n" % i for i in range(400)) + "end\n", "lines are lost or repeated")
    return len(every) * len(all_got)


# ---- limits -------------------------------------------------------------------------------------

def rates(w):
    """A hundred messages a second, four hundred at once; a flood ends."""
    c = join(w)
    try:
        for _ in range(700):
            c.ask("ping")
    except OSError:
        pass
    ok = sum(c.message()["ok"] for _ in range(700))
    check(350 < ok < 690, "of 700 at once were answered", ok)
    time.sleep(3)
    check(c.err("nothing") == "unknown_method", "later it may again")
    c.close()
    for text in (json.dumps({"type": "req", "id": "x", "method": "ping"}), "{", "[]", '{"type":"req","id":"x"}'):  # wrong ones count
        c = join(w)

        def flood():
            try:
                for _ in range(5000):
                    c.send(frame(TEXT, text.encode()))
            except OSError:
                pass
        t = threading.Thread(target=flood)
        t.start()
        got = c.ended()
        t.join()
        check(got in (1008, None), "a flood of", text, "ended with", got)


def revoke(w):
    """Some that only listen (and answer pings), with a token that is revoked now."""
    made = w.ok("post_tokens", {"name": "ends", "scopes": ["run:read"]})
    a = join(w, made["token"])
    revoked, streams, w.ends, w.sse_ends = [join(w, made["token"]) for _ in range(3)], [Conn(w.server) for _ in range(3)], [], []

    def listen(b):
        while True:
            try:
                b.message()
            except Closed as why:
                w.ends.append((why.code, time.monotonic()))
                break
        b.close()

    def read(c):
        got = c.read()  # to its end
        w.sse_ends.append((got.body, time.monotonic()))
        c.close()
    for b in revoked:
        b.ok("subscribe", {"run_id": w.ids["review"]})
    for c in streams:
        c.send(("GET /api/v1/runs/%s/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % (
            w.ids["review"], made["token"])).encode())
        check(b"200" in c.file.peek(), "the stream was not opened")
    w.listeners = [threading.Thread(target=listen, args=(b,)) for b in revoked] + [threading.Thread(target=read, args=(c,)) for c in streams]
    for t in w.listeners:
        t.start()
    w.ok("delete_token", ids={"token": made["id"]})
    w.revoked_at = time.monotonic()
    check(a.err("runs.list") == "unauthorized" and a.ended() == 1008, "revoked, and then a request")


def tokens_end(w):
    """A token that is revoked ends its connections: at the next request, or soon"""
    for t in w.listeners:
        t.join(90)
    heard = [(code, at - w.revoked_at) for code, at in w.ends]
    # Looked at just before: 15 s; the next ping after that: 15 s; the rest is a busy machine's
    check(len(heard) == 3 and all(code == 1008 and s < 45 for code, s in heard), "revoked, and silent:", heard)
    heard = [(at - w.revoked_at, body[-300:]) for body, at in w.sse_ends]
    check(len(heard) == 3 and all(s < 45 for s, _ in heard), "revoked, on an event stream:", heard)
    check(all(b"run.planned" in body and b"run.completed" not in body for body, _ in w.sse_ends), "of a revoked token:", heard)


def of_one_token(w):
    """One token has so many connections; all hear of the server's end."""
    limit = 8
    w.server.stop()
    w.server.flags = ("--max-ws-per-token", str(limit))
    w.server.start()
    made = [w.ok("post_tokens", {"name": n, "scopes": ["run:read"]})["token"] for n in "ab"]
    mine = [join(w, made[0]) for _ in range(limit)]
    c = Checked(w.server, made[0])
    check(c.err("connect", {"protocol": {"min": 1, "max": 1}}) == "too_many_connections" and c.ended() == 1008, "one more")
    join(w, made[1]).close()
    mine.pop().close()

    def room():
        try:
            mine.append(join(w, made[0]))
            return True
        except (Bad, Closed):
            return False
    until(10, room, "a place is free again")
    w.server.flags = ()
    t = threading.Thread(target=w.server.stop)  # all of them hear of the end
    t.start()
    for c in mine:
        check(c.ended() == 1001, "the server stops")
    t.join()
    w.server.start()


def crowd(w):
    """Forty connections that come, ask, follow and go in every way at the same time."""
    w.need_sandbox()
    run = w.ok("post_runs", {"project_id": "hello", "review": "none", "steps": [
        {"command": "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.005; done"}]})["id"]
    bad = []

    def one(k):
        try:
            for i in range(4):
                c = join(w)
                s = c.ok("subscribe", {"run_id": run})["subscription"]
                list_id = c.ask("runs.list")
                if (k + i) % 4 == 0:
                    c.send(b"\xff\xff")
                elif (k + i) % 4 == 1:
                    c.send(close_frame())
                    c.ended()
                elif (k + i) % 4 == 2:
                    c.answer(list_id)
                    c.ok("unsubscribe", {"subscription": s})
                c.close()
            c = join(w)
            s = c.ok("subscribe", {"run_id": run})["subscription"]
            got = events(c, s)
            c.close()
            done.append(got)
        except Exception as why:  # noqa: BLE001
            bad.append(repr(why))
    done = []
    threads = [threading.Thread(target=one, args=(k,)) for k in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not bad, bad[:3])
    every = paged(w, run)
    check(len(done) == 40 and all(parts(d) == parts(every) for d in done), "someone has other events")
    until(10, lambda: b"sallyport_ws_open 0\n" in w.server.request("GET", "/metrics").body, "connections are left")


def on_unix(w):
    """On the unix socket the peer's uid counts, and no token is needed."""
    fd = os.open(w.server.data, os.O_PATH)
    s = socket.socket(socket.AF_UNIX)
    s.connect("/proc/self/fd/%d/sock" % fd)
    os.close(fd)
    c = Checked(w.server, None, sock=s)
    check(c.connect()["actor"] == "uid:%d" % os.getuid(), "actor")
    check(c.ok("runs.list")["items"], "runs")
    c.close()


def main():
    r, w = Results(), World()
    Checked.world = w
    revoke(w)
    for fn in (methods, frames, scopes, idempotency, whole_run, resume, many, fair, slow, tokens_end, kill9, rates, crowd, on_unix, of_one_token):
        r.case(fn.__doc__.split("\n")[0].rstrip("."), fn, w)
    r.case("the server lived through it", lambda: check(w.server.stop() == 0, w.server.log()))
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
