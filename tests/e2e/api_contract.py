"""api_contract - see api_contract.sh. World.call checks every JSON answer against its schema; here are the calls."""
import base64
import hashlib
import html.parser
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_lib import GIVES, OTHER_TOKEN, SCOPES, Conn, Results, Server, World, check, run_main  # noqa: E402


def twice(w, op, body=None, other=None, **more):
    """A request, the same again (the same answer, nothing done), and another one under the same key (refused)."""
    op, key = w.op[op], w.server.key()
    first = w.call(op, body, key=key, **more)
    check(first.status < 300, op.id, "was refused:", first)
    for run in {first.json.get("id"), first.json.get("run_id"), more.get("ids", {}).get("run")} if first.is_json else ():
        if run and run.startswith("run_"):
            w.rest(run)  # what workers do after the answer is not the replay's doing
    before = w.store.still()
    again = w.call(op, body, key=key, **more)
    check(again.status == first.status, op.id, "replayed as", again, "after", first)
    check(again.headers.get("idempotency-replayed") == "true", op.id, "is not marked as replayed:", again)
    if op.id == "post_tokens":
        check(again.json == {**first.json, "token": None}, "a replay tells the secret:", again)
    else:
        check(again.body == first.body, op.id, "replayed another answer:", again, "after", first)
    refused = w.call(op, other if other is not None else {"zzz": 1}, key=key, **more) if op.body else w.server.request(
        op.method, w.path(op, {k: "other" for k in op.args}), key=key)
    check(refused.status == 422 and refused.code == "idempotency_mismatch", op.id, "took another request under the key:", refused)
    check(w.store.fingerprint() == before, op.id, "changed the store when it was replayed")
    return first.json if first.body else None


# ---- the description itself ------------------------------------------------------

def refs(v, into):
    if isinstance(v, dict):
        into.update([v["$ref"]] if isinstance(v.get("$ref"), str) else [])
        for x in v.values():
            refs(x, into)
    elif isinstance(v, list):
        for x in v:
            refs(x, into)
    return into


def description(w):
    doc = w.doc
    check(doc["openapi"].startswith("3.1."), "openapi:", doc["openapi"])
    used = refs(doc, set())
    for r in used:
        w.schemas.resolve({"$ref": r})
    for kind in ("schemas", "parameters", "headers", "responses"):
        for name in doc["components"][kind]:
            check("#/components/%s/%s" % (kind, name) in used, "nothing uses", kind, name)
    names = [o.id for o in w.ops]
    check(len(set(names)) == len(names), "operation ids are not unique:", names)
    codes = [c["code"] for c in doc["x-error-codes"]]
    check(len(set(codes)) == len(codes) > 40, "error codes:", codes)
    for o in w.ops:
        check(sorted(o.args) == sorted(re.findall(r"\{(\w+)\}", o.path)), o.id, "has other path parameters:", o.args)
        check(o.scope is None or o.scope in SCOPES, o.id, "has scope", o.scope)
        check(not (o.keyed and o.method == "GET"), o.id, "needs a key")
        check([s for s in o.d["responses"] if s[0] == "2" or s == "101"] and "default" in o.d["responses"], o.id, "lacks answers")
        check(set(o.d["tags"]) <= {t["name"] for t in doc["tags"]}, o.id, "has tags", o.d["tags"])
    for name, s in doc["components"]["schemas"].items():
        check(not set(s.get("required", [])) - set(s.get("properties", {})) or "allOf" in s, name, "requires what it has not")
        check(s.get("type") != "object" or s.get("additionalProperties") is False or "allOf" in s, name, "is open")
    scopes = doc["components"]["schemas"]["Scope"]["enum"]
    check(scopes == SCOPES and set(GIVES) < set(scopes), "scopes are", scopes)


class Page(html.parser.HTMLParser):
    VOID = {"meta", "tr", "td", "th"}  # the page leaves out the end tags that HTML lets it leave out

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.tags, self.style, self.text, self.open = set(), [], set(), "", "", []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for k, v in attrs:
            if k == "id":
                check(v not in self.ids, "the id", v, "is there twice")
                self.ids.add(v)
            elif k in ("href", "src"):
                self.links.append(v)
            check(not k.startswith("on") and k != "style", "attribute", k)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        check(self.open and self.open.pop() == tag, "</%s> does not fit" % tag, self.open)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data


def docs(w):
    a = w.server.request("GET", "/docs", token=None)
    check(a.status == 200 and a.headers["content-type"] == "text/html; charset=utf-8", a)
    page = Page()
    page.feed(a.body.decode())
    page.close()
    check(page.open == [], "not closed:", page.open)
    check(not page.tags & {"script", "img", "link", "iframe", "object", "form"}, "tags:", page.tags)
    for link in page.links:
        check(link == "/openapi.json" or link[0] == "#" and link[1:] in page.ids, "the link", link, "leads nowhere")
    check("url(" not in page.style and "@import" not in page.style, "the style loads something")
    want = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    csp = a.headers["content-security-policy"]
    check("default-src 'none'" in csp and "style-src 'sha256-%s'" % want in csp, "the policy does not fit the style:", csp)
    for o in w.ops:
        check(o.id in page.ids and o.path in page.text, o.id, "is not on the page")
    for name in w.doc["components"]["schemas"]:
        check(name in page.ids, name, "is not on the page")
    for c in w.doc["x-error-codes"]:
        check(c["code"] in page.text, c["code"], "is not on the page")
    check(len(a.body) < 200000, "the page has", len(a.body), "bytes")


# ---- reading --------------------------------------------------------------------

def reads(w):
    """Each GET once, as JSON where it has a choice, and its HEAD."""
    n = 0
    for op in w.ops:
        if op.method != "GET" or op.id in ("get_run_changes", "get_run_diff", "get_ws"):
            continue  # those two: of a run that has run, below; a WebSocket: ws.py
        a = w.call(op, headers={"Accept": "application/json"})
        check(a.status == 200, op.id, "was refused:", a)
        media = [m for m in op.d["responses"]["200"]["content"] if m != "*/*"]
        got = a.headers["content-type"].split(";")[0]
        check(not media or got in media, op.id, "is", got, "and not one of", media)
        h = w.server.request("HEAD", w.path(op), headers={"Accept": "application/json"})
        check(h.status == 200 and h.headers["content-type"] == a.headers["content-type"], "HEAD of", op.id, "is", h)
        for header in ("x-content-type-options", "x-request-id", "cache-control"):
            check(header in a.headers, op.id, "lacks", header)
        n += 2
    check(w.ok("get_readyz", token=None) == {"ready": True, "reason": None} or not w.sandbox["ready"], "not ready")
    return n


def access(w):
    me = w.ok("get_whoami")
    check(me["tenant_id"] == "default" and "admin" in me["scopes"], me)
    check(w.ok("get_whoami", token=OTHER_TOKEN)["tenant_id"] == "other", "the other tenant's token")
    for op in ("get_projects", "get_runs", "get_approvals", "get_policy_versions"):
        check(w.ok(op, token=OTHER_TOKEN)["items"] == [], op, "shows another tenant's")
    check([t["name"] for t in w.ok("get_tokens", token=OTHER_TOKEN)["items"]] == ["other"], "tokens of the other tenant")
    check(w.ok("get_audit", token=OTHER_TOKEN)["items"] == [], "audit of another tenant")
    check(w.ok("get_queue", token=OTHER_TOKEN)["items"] == [], "queue of another tenant")
    for scope in SCOPES:
        names = set(w.ok("get_whoami", token=w.tokens[scope])["scopes"])
        check(names == (set(SCOPES) if scope == "admin" else {scope} | GIVES.get(scope, set())), scope, "gives", names)
    for scope in SCOPES:
        me = w.ok("get_me", token=w.tokens[scope])
        check(me["token"]["scopes"] == w.ok("get_whoami", token=w.tokens[scope])["scopes"], scope, me)
        in_ = w.ok("post_login", {"token": w.tokens[scope]}, token=None)
        check(in_["token"] == me["token"] and w.tokens[scope] not in str(in_), scope, "logs in as", in_)
    check(w.call("post_logout", {}).status == 204, "by token there is nothing to end")
    t = "0af7651916cd43dd8448eb211c80319c"
    a = w.call("get_whoami", headers={"traceparent": "00-%s-b7ad6b7169203331-01" % t})
    check(a.headers["x-request-id"] == t, "traceparent is not taken over")


def pages(w, op, key, query="", page="after", get=lambda item: item["id"]):
    """Walks a list two by two, and finds what one big page shows."""
    whole = [get(x) for x in w.ok(op, query=query)["items"]]
    check(len(whole) > 2 and len(set(whole)) == len(whole), op, "shows", len(whole))
    seen, at = [], ""
    while len(seen) <= len(whole):
        got = w.ok(op, query="&".join(x for x in (query, "limit=2", at) if x))
        seen += [get(x) for x in got["items"]]
        if got[key] is None:
            break
        at = "%s=%s" % (page, got[key])
    check(seen == whole, op, "pages show", seen, "and the whole list", whole)


def lists(w):
    for i in range(3):
        name = os.path.join(w.server.dir, "p%d" % i)
        os.mkdir(name)
        w.ok("post_projects", {"root_path": name})
        w.ok("put_policy", {"text": w.ok("get_policy")["text"] + "# %d\n" % i})
    pages(w, "get_tokens", "next")
    pages(w, "get_projects", "next")
    pages(w, "get_policy_versions", "next", page="before", get=lambda v: v["version"])
    pages(w, "get_audit", "next_seq", page="after_seq", get=lambda r: r["seq"])
    pages(w, "get_audit", "next_seq", "action=token.created", page="after_seq", get=lambda r: r["seq"])
    pages(w, "get_runs", "next")
    pages(w, "get_approvals", "next")
    waits = w.ok("get_approvals", query="state=pending&limit=500")["items"]
    inbox = w.ok("get_inbox", query="limit=500")["items"]
    first = w.ok("get_inbox", query="limit=1")
    rest = w.ok("get_inbox", query="after=" + first["next"])["items"] if first["next"] else []
    check(first["items"] + rest == inbox, "the inbox in pages:", first, rest)
    check(waits and [i["approval"] for i in inbox] == waits, "the inbox:", inbox)
    check(all(i["run"]["id"] == i["approval"]["run_id"] and i["run"] == {k: v for k, v in w.ok("get_run", ids={"run": i["run"]["id"]}).items()
                                                                        if k in i["run"]} for i in inbox), "runs in the inbox:", inbox)
    check(w.ok("get_inbox", token=OTHER_TOKEN)["items"] == [], "another tenant's inbox")
    queue(w)
    mine = w.ok("get_runs", query="state=rejected")["items"]
    check(w.ids["rejected"] in [r["id"] for r in mine] and {r["state"] for r in mine} == {"rejected"}, "runs by state:", mine)
    built_in = w.ok("get_policy", query="version=0")
    check(built_in["actor"] == "built-in", "version 0")
    rules = {rule["id"]: rule for rule in built_in["document"]["rules"]}
    check(rules["no-root-wipe"]["decision"] == "deny" and "/" in rules["no-root-wipe"]["command"]["paths"], "its rules", rules)
    check(w.call("get_policy", query="version=99").status == 404, "version 99")


def queue(w):
    """Paused, so that what waits stays: pages, reasons, priorities, pauses of the node and of a project."""
    node = twice(w, "post_queue_pause", {"note": "for a test"}, {})
    check(node["paused"] and node["note"] == "for a test" and not node["draining"], "paused:", node)
    runs = [w.ok("post_runs", {"project_id": "hello", "steps": [{"command": "true"}], "priority": p})["id"]
            for p in ("low", "normal", 7, "urgent")]
    whole = w.ok("get_queue")
    check([i["run_id"] for i in whole["items"]] == runs[::-1], "not by priority:", whole["items"])
    check([i["priority"] for i in whole["items"]] == [100, 7, 0, -50], "priorities:", whole["items"])
    check({i["waits"]["code"] for i in whole["items"]} == {"paused"}, "why:", whole["items"])
    check("for a test" in whole["items"][0]["waits"]["message"], "the note:", whole["items"][0])
    pages(w, "get_queue", "next", get=lambda i: i["run_id"])
    r = w.ok("post_run_priority", {"priority": "urgent"}, ids={"run": runs[0]})
    check(r["priority"] == 100 and w.ok("get_run", ids={"run": runs[0]})["priority"] == 100, "priority:", r)
    order = [i["run_id"] for i in w.ok("get_queue")["items"]]
    check(order == [runs[0], runs[3], runs[2], runs[1]], "after a change:", order)
    for bad in (101, -101, "7", "Urgent", 1.5, None):
        a = w.call("post_run_priority", {"priority": bad}, ids={"run": runs[0]})
        check(a.status == 400 and a.json["error"]["details"]["field"] == "priority", "priority", bad, a)
    check(twice(w, "post_queue_drain", {}, {"note": "x"})["draining"], "not draining")
    check({i["waits"]["code"] for i in w.ok("get_queue")["items"]} == {"draining"}, "why while drained")
    p = {"project": w.ids["project"]}
    check(twice(w, "post_project_pause", {"note": "a"}, {}, ids=p)["paused"], "the project is not paused")
    check(not twice(w, "post_queue_resume", {})["paused"], "not resumed")
    check({i["waits"]["code"] for i in w.ok("get_queue")["items"]} == {"project_paused"}, "why while the project is paused")
    for r in runs[1:]:
        w.ok("post_run_cancel", {}, ids={"run": r})
        w.wait(r, "canceled")  # what ends is not held up
    check(not w.ok("post_project_resume", {}, ids=p)["paused"], "the project is still paused")
    w.wait(runs[0], "awaiting_review")
    check(twice(w, "post_run_priority", {"priority": -3}, {"priority": 1}, ids={"run": runs[0]})["priority"] == -3, "not set")
    w.ok("post_run_cancel", {}, ids={"run": runs[0]})
    w.wait(runs[0], "canceled")
    check(w.call("post_run_priority", {"priority": 0}, ids={"run": runs[0]}).code == "invalid_state", "priority of what ended")
    check(w.call("get_queue", query="after=" + runs[0]).code == "invalid_cursor", "after what does not wait")
    twice(w, "post_project_resume", {}, ids=p)  # a second time is no error
    audit = [r["action"] for r in w.ok("get_audit", query="limit=1000")["items"]]
    for what in ("queue.paused", "queue.drained", "queue.resumed", "project.paused"):
        check(audit.count(what) == 1, what, "is in the audit trail", audit.count(what), "times")


# ---- writing -----------------------------------------------------------------------

def replays(w):
    """Each route that needs a key, but for those that need a sandbox: below."""
    d = os.path.join(w.server.dir, "twice")
    os.mkdir(d)
    p = twice(w, "post_projects", {"root_path": d}, {"root_path": d, "name": "x"})
    set_ = {"ids": {"project": p["id"]}}
    check(p["settings"] == {}, "a new project has settings:", p)
    p = twice(w, "put_project_settings", {"toolchains": "nvm,pyenv"}, {"toolchains": "none"}, **set_)
    check(p["settings"] == {"toolchains": "nvm,pyenv"}, "settings:", p)
    check(w.ok("put_project_settings", {}, **set_)["settings"] == p["settings"], "what is not named does not stay")
    p = w.ok("put_project_settings", {"seed": "copy"}, **set_)
    check(p["settings"] == {"toolchains": "nvm,pyenv", "seed": "copy"}, "settings:", p)
    wrong = w.call("put_project_settings", {"seed": "fast"}, **set_)
    check(wrong.status == 400 and "overlay" in wrong.json["error"]["message"], "an unknown seed:", wrong)
    wrong = w.call("put_project_settings", {"toolchains": "nvm,unheard"}, **set_)
    check(wrong.status == 400 and "pyenv" in wrong.json["error"]["message"], "an unknown toolchain:", wrong)
    shown = w.ok("get_project", **set_)
    check(shown["toolchains"]["choice"] == "nvm,pyenv" and shown["toolchains"]["found"] == [], "toolchains:", shown)
    twice(w, "delete_project", ids={"project": p["id"]})
    t = twice(w, "post_tokens", {"name": "twice", "scopes": ["run:read"]})
    twice(w, "delete_token", ids={"token": t["id"]})
    twice(w, "put_policy", {"text": w.ok("get_policy")["text"], "base_version": w.ok("get_policy")["version"]})
    r = twice(w, "post_runs", {"project_id": "hello", "intent": "跳舞", "steps": [{"command": "echo dance"}]})["id"]
    given = w.wait(r, "awaiting_review")
    check(given["intent"] == "跳舞" and [s["command"] for s in given["steps"]] == ["echo dance"], "steps with an intent:", given)
    w.ok("post_run_reject", {}, ids={"run": r})
    r = twice(w, "post_runs", {"project_id": "hello", "intent": "run the tests"})["id"]
    w.wait(r, "awaiting_review")
    plan = twice(w, "put_run_plan", {"steps": [{"argv": ["echo", "a b"]}]}, ids={"run": r})
    check(w.call("post_run_approve", {"plan_hash": "0" * 64}, ids={"run": r}).code == "plan_changed", "approved another plan")
    w.ok("put_run_plan", {"steps": plan["steps"]}, ids={"run": r})  # a plan may be sent back as it was
    twice(w, "post_run_reject", {"note": "no"}, ids={"run": r})
    w.wait(r, "rejected")
    check(w.call("post_run_approve", {}, ids={"run": r}).code == "invalid_state", "approved what had ended")
    r = w.run(["true"], "awaiting_review")
    twice(w, "post_run_cancel", {}, ids={"run": r})
    w.wait(r, "canceled")
    r = w.run(["true"], "awaiting_review")
    a = w.ok("get_approvals", query="run_id=" + r)["items"][0]
    twice(w, "post_approval", {"decision": "deny", "subject_hash": a["subject_hash"]}, ids={"approval": a["id"]})
    check(w.call("post_approval", {"decision": "allow"}, ids={"approval": a["id"]}).code == "already_resolved", "answered twice")
    first = w.ok("post_reconcile", {})
    check(first == {"dry_run": False, "actions": [], "problems": [], "more": False}, "there was something to reconcile:", first)
    check(w.ok("post_reconcile", {"dry_run": True}) == {**first, "dry_run": True}, "a dry run finds something")


def denied(w):
    """A plan that the policy denies: the run fails, with its three artifacts; a new plan like it is refused."""
    r = w.ok("post_runs", {"project_id": "hello", "steps": [{"command": "rm -rf /"}]})["id"]
    got = w.wait(r, "failed")
    check(got["reason"]["code"] == "policy_denied" and len(got["artifacts"]) == 3, got)
    r = w.run(["true"], "awaiting_review")
    a = w.call("put_run_plan", {"steps": [{"command": "rm -rf /"}]}, ids={"run": r})
    check(a.status == 403 and a.code == "policy_denied", "a denied plan:", a)
    w.ok("post_run_cancel", {}, ids={"run": r})
    v = w.ok("post_policy_test", {"command": "true; rm -rf / && $(curl x)"})
    check(v["decision"] == "deny" and v["rule"] == "wipe", v)
    check(w.ok("post_policy_test", {"argv": ["ls"]})["decision"] == "allow", "ls")
    again = w.ok("post_policy_replay", {"text": "version: 3\ndefault: deny\nrules: []\n", "all": True, "limit": 1})
    check(again["policy_version"] == 3 and again["counts"]["runs"] == 1 and again["next"] is not None, again)
    check(all(s["now"]["action"] == "deny" for i in again["items"] for s in i["steps"]), "a policy that denies:", again)
    older = w.ok("post_policy_replay", {"after": again["next"]})
    check(again["next"] not in [i["run_id"] for i in older["items"]], "a run on two pages:", older)
    check(w.call("post_policy_replay", {"text": "version: x\n"}).json["error"]["details"]["problems"], "problems of a candidate")
    bad = w.call("put_policy", {"text": "version: x\nrules: 7\n"})
    check(bad.status == 400 and len(bad.json["error"]["details"]["problems"]) >= 2, "problems of a policy:", bad)
    tried = w.ok("post_plan", {"project_id": "hello", "intent": "跑单元测试"})
    check(tried["run_id"] is None and tried["steps"][0]["command"] == "make test", tried)
    steps = [{"command": "make test"}, {"argv": ["rm", "-rf", "/"], "title": "gone"}, {"command": "eval $x", "pty": True}]
    tried = w.ok("post_plan", {"project_id": "hello", "steps": steps})
    check([s["decision"]["action"] for s in tried["steps"]] == ["allow", "deny", "ask"] and tried["steps"][1]["title"] == "gone", tried)
    check(w.call("post_plan", {"project_id": "hello", "steps": steps[:1], "intent": "run the tests"}).status == 400, "both")
    check(w.call("post_plan", {"project_id": "nope", "steps": steps}).code == "not_found", "no project")
    check(w.call("post_plan", {"project_id": "hello", "intent": "sing a song"}).code == "intent_not_understood", "a song")


def at_once(w):
    """The same request ten times at once: one run, ten times the same answer."""
    before = len(w.ok("get_runs", query="limit=500")["items"])
    key, answers = w.server.key(), []

    def one():
        s = w.server
        body = json.dumps({"project_id": "hello", "steps": [{"command": "true"}]})
        head = "POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\n" \
               "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (s.port, s.admin, key, len(body), body)
        conn = Conn(s)
        answers.append(conn.exchange(head.encode()))
        conn.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check({a.status for a in answers} == {202} and len({a.body for a in answers}) == 1, "answers:", answers)
    check(sum(a.headers.get("idempotency-replayed") == "true" for a in answers) == 9, "not nine of ten are replays")
    check(len(w.ok("get_runs", query="limit=500")["items"]) == before + 1, "not one run was made")
    w.wait(answers[0].json["id"], "awaiting_review")
    w.ok("post_run_cancel", {}, ids={"run": answers[0].json["id"]})


# ---- a run, whole -------------------------------------------------------------------

def sse(body):
    """Events of a stream: (id, type, data)."""
    events = []
    for block in body.decode().split("\n\n"):
        lines = [x for x in block.split("\n") if x and not x.startswith(":")]
        if lines and not lines[0].startswith("retry: "):
            f = dict(x.split(": ", 1) for x in lines)
            check(len(f) == len(lines) == 3, "an event of", lines)
            events.append((f["id"], f["event"], json.loads(f["data"])))
    return events


def stream(w, run, last=None):
    a = w.call("get_run_events", ids={"run": run}, headers={"Accept": "text/event-stream", "Last-Event-ID": last})
    check(a.status == 200 and a.headers["content-type"].startswith("text/event-stream"), a)
    events = sse(a.body)
    for i, t, data in events:
        w.schemas.must(data, {"$ref": "#/components/schemas/Event"}, t)
        check(data["id"] == i and data["type"] == t and data["run_id"] == run, "the event is not its envelope:", i, t, data)
    return [data for _, _, data in events]


def events_of(w, run):
    """The stream from the start, from the middle, and in pages of one: always the same events."""
    every = stream(w, run)
    seqs = [x["seq"] for x in every if "seq" in x]
    check(seqs == list(range(1, len(seqs) + 1)), "seq has gaps:", seqs)
    check(every[-1]["type"] == "run.completed" and len({x["id"] for x in every}) == len(every), [x["type"] for x in every])
    for k in range(0, len(every), 5):
        check(stream(w, run, every[k]["id"]) == every[k + 1:], "resumed after", k, "of", len(every))
    paged, cursor, final = [], "", False
    while not final and len(paged) <= len(every):
        got = w.ok("get_run_events", ids={"run": run}, headers={"Accept": "application/json"},
                   query="limit=1" + ("&cursor=" + cursor if cursor else ""))
        paged, cursor, final = paged + got["items"], got["cursor"], got["final"]
    check(paged == every, "pages show", len(paged), "of", len(every), "events")
    return every


def log_of(w, step):
    """stdout and stderr of a step, found the same as raw bytes and as pages of frames."""
    whole = w.call("get_step_log", ids={"step": step})
    check(whole.headers["x-log-complete"] == "true" and whole.headers["content-type"].startswith("text/plain"), whole.headers)
    frames, offset, complete = [], 0, False
    while not complete and len(frames) < 1000:
        got = w.ok("get_step_log", ids={"step": step}, headers={"Accept": "application/json"}, query="limit=1&offset=%d" % offset)
        check(got["next_offset"] > offset or got["complete"], "no progress:", got)
        frames, offset, complete = frames + got["items"], got["next_offset"], got["complete"]
    parts = {name: b"".join(base64.b64decode(f["text_b64"]) if "text_b64" in f else f["text"].encode() for f in frames
                            if f["stream"] == name) for name in ("stdout", "stderr")}
    for name, part in parts.items():
        raw = w.call("get_step_log", ids={"step": step}, query="stream=" + name).body
        check(raw == part, name, "is", raw, "and in frames", part)
    check(len(whole.body) == sum(map(len, parts.values())), "the whole log is", whole)
    return parts["stdout"], parts["stderr"]


def whole_run(w):
    """Both doors, a question in between, apply of one file of two, undo."""
    w.need_sandbox()
    body = {"project_id": "hello", "review": "both", "env": {"WORD": "s3cret-word"}, "steps": [
        {"command": "printf 'a\\377b\\n'; echo $WORD"}, {"command": "echo err >&2; touch careful; echo 3 >> one; echo 4 > new"}]}
    run = twice(w, "post_runs", body)["id"]
    w.wait(run, "awaiting_review")
    plan = w.ok("get_run_plan", ids={"run": run})
    check([s["decision"]["action"] for s in plan["steps"]] == ["allow", "ask"], plan)
    twice(w, "post_run_approve", {"plan_hash": plan["plan_hash"], "note": "fine"}, ids={"run": run})
    got = w.wait(run, "awaiting_apply")
    check(got["counts"] == {"steps": 2, "succeeded": 2, "failed": 0}, got["counts"])
    changes = w.ok("get_run_changes", ids={"run": run})
    paths = {c["path"]: c["kind"] for c in changes["items"]}
    check(paths == {"careful": "added", "new": "added", "one": "modified"}, paths)
    diff = w.call("get_run_diff", ids={"run": run}, query="path=one").body
    check(b"+3\n" in diff and b"new" not in diff, diff)
    check(b"+4\n" in w.call("get_run_diff", ids={"run": run}).body, "the whole diff")
    check(w.call("post_run_apply", {"paths": ["two"]}, ids={"run": run}).status == 400, "applied what is no change")
    check(w.call("post_run_apply", {"digest": "0" * 64}, ids={"run": run}).code == "plan_changed", "applied unseen changes")
    twice(w, "post_run_apply", {"digest": changes["digest"], "paths": ["one"]}, ids={"run": run})
    got = w.wait(run, "succeeded")
    check(got["apply"]["applied"] and got["apply"]["files"] == 1, got["apply"])
    check({s["path"] for s in got["apply"]["skipped"]} == {"careful", "new"}, got["apply"])
    check(open(w.project + "/one").read() == "1\n3\n" and not os.path.exists(w.project + "/new"), "the project is another one")
    out, err = log_of(w, got["steps"][0]["id"])
    check(out.startswith(b"a\xffb\n") and b"s3cret-word" not in out and err == b"", "the log is", out, err)
    check(log_of(w, got["steps"][1]["id"]) == (b"", b"err\n"), "the second log")
    w.whole = run
    every = [e["type"] for e in events_of(w, run)]
    kinds = set(every)
    for once in ("run.planned", "changes.ready", "changes.applied", "run.completed"):
        check(every.count(once) == 1, once, "comes", every.count(once), "times")
    check(kinds >= {"run.status", "run.planned", "run.completed", "step.started", "step.finished", "step.log", "artifact.created",
                    "approval.required", "approval.resolved", "changes.ready", "changes.applied"}, kinds)
    undo = twice(w, "post_run_undo", {}, ids={"run": run})["id"]
    w.wait(undo, "succeeded")
    check(open(w.project + "/one").read() == "1\n", "undo did not take it back")
    events_of(w, undo)


def terminal(w):
    """Typed into, resized, ended: a repeat changes nothing, what does not fit is refused with the place where it goes on."""
    w.need_sandbox()
    run = w.ok("post_runs", {"project_id": "hello", "review": "plan", "steps": [
        {"command": "stty size; cat; stty size", "pty": True, "cols": 100, "rows": 30}, {"command": "cat"}]})["id"]
    w.wait(run, "awaiting_review")
    check(w.ok("get_run_plan", ids={"run": run})["steps"][0]["pty"] is True, "the plan does not say it")
    w.ok("post_run_approve", {}, ids={"run": run})
    step, other = [s["id"] for s in w.ok("get_run_steps", ids={"run": run})["items"]]
    until = time.monotonic() + 60
    while b"30 100\r\n" not in w.call("get_step_log", ids={"step": step}).body:
        check(time.monotonic() < until, "it never said how large it is")
        time.sleep(0.02)
    check(w.ok("get_step", ids={"step": step})["terminal"]["accepted"] == 0, "somebody else typed")
    for _ in range(2):
        got = w.ok("post_step_input", {"offset": 0, "text": "h\u00e4llo\n"}, ids={"step": step})
        check(got == {"step_id": step, "accepted": 7, "cols": 100, "rows": 30, "eof": False}, got)
    for offset, text in ((9, "x"), (3, "x")):
        a = w.call("post_step_input", {"offset": offset, "text": text}, ids={"step": step})
        check(a.code == "conflict" and a.json["error"]["details"]["expected"] == 7, a)
    a = w.call("post_step_input", {"offset": 7, "text": "a", "text_b64": "YQ=="}, ids={"step": step})
    check(a.status == 400, "text twice:", a)
    check(w.call("post_step_input", {"offset": 7, "text_b64": "?"}, ids={"step": step}).status == 400, "no base64")
    got = w.ok("post_step_resize", {"cols": 132, "rows": 43}, ids={"step": step})
    check((got["cols"], got["rows"]) == (132, 43), got)
    check(w.call("post_step_input", {"offset": 0, "text": "x"}, ids={"step": other}).code == "invalid_state", "typed without a terminal")
    got = w.ok("post_step_input", {"offset": 7, "text_b64": "/wo=", "eof": True}, ids={"step": step})
    check(got["accepted"] == 9 and got["eof"], got)
    w.wait(run, "succeeded")
    out, err = log_of(w, step)
    check(out.startswith(b"30 100\r\n") and out.endswith(b"43 132\r\n") and b"\xff\r\n" in out and err == b"", "the log is", out)
    check(w.call("post_step_input", {"offset": 9, "text": "x"}, ids={"step": step}).code == "invalid_state", "typed after its end")
    check("terminal" not in w.ok("get_step", ids={"step": step}), "a terminal after its end")
    actions = [r["action"] for r in w.ok("get_run_audit", ids={"run": run})["items"] if r["action"].startswith("terminal")]
    check(actions == ["terminal.attached", "terminal.input"], actions)


def artifacts(w):
    w.need_sandbox()
    for a in w.ok("get_run_artifacts", ids={"run": w.whole})["items"]:
        got = w.call("get_artifact", ids={"artifact": a["id"]})
        check(hashlib.sha256(got.body).hexdigest() == a["sha256"] and len(got.body) == a["size_bytes"], a["name"], "has other bytes")
        check(got.headers["content-type"] == a["media_type"], a["name"], "is", got.headers)
        tag = got.headers["etag"]
        check(tag == '"sha256:%s"' % a["sha256"], "ETag is", tag)
        check(w.call("get_artifact", ids={"artifact": a["id"]}, headers={"If-None-Match": tag}).status == 304, "not 304")
    check(w.ok("get_run_audit", ids={"run": w.whole})["items"], "no audit records")


def asked(w):
    """A step that the policy asks about, without a reviewed plan; then the changes are dropped. Posted as a stream."""
    w.need_sandbox()
    run = w.run(["touch careful"], "awaiting_approval", review="effects")
    a = w.ok("get_approvals", query="state=pending&run_id=" + run)["items"][0]
    check(a["kind"] == "command" and a["rule"] == "careful", a)
    check(w.call("post_approval", {"decision": "allow", "subject_hash": "0" * 64}, ids={"approval": a["id"]}).code == "plan_changed",
          "answered about something else")
    twice(w, "post_approval", {"decision": "allow", "note": "go"}, ids={"approval": a["id"]})
    w.wait(run, "awaiting_apply")
    twice(w, "post_run_discard", {"note": "no need"}, ids={"run": run})
    got = w.wait(run, "rejected")
    check(got["reason"]["code"] == "changes_discarded", got["reason"])
    check("changes.discarded" in {e["type"] for e in events_of(w, run)}, "no changes.discarded")
    key = w.server.key()
    body = {"project_id": "hello", "review": "none", "steps": [{"command": "exit 3"}], "on_failure": "discard"}
    a = w.call("post_runs", body, key=key, headers={"Accept": "text/event-stream"})
    events = [d for _, _, d in sse(a.body)]
    check(a.status == 200 and events[-1]["type"] == "run.completed", a)
    check(events[-1]["data"]["state"] == "failed" and events[-1]["data"]["reason"]["code"] == "step_failed", events[-1])
    check(events == events_of(w, events[0]["run_id"]), "the stream of POST is another one")
    again = w.call("post_runs", body, key=key, headers={"Accept": "text/event-stream"})
    check([d for _, _, d in sse(again.body)] == events and again.headers.get("idempotency-replayed") == "true", "a replayed stream")


def kept(w):
    """A run is kept and released; the rules are shown, and tried."""
    w.need_sandbox()
    check(w.ok("get_run", ids={"run": w.whole})["kept"] is False, "kept from the start")
    twice(w, "post_run_keep", {}, ids={"run": w.whole})
    check(w.ok("get_run", ids={"run": w.whole})["kept"] is True, "not kept")
    check(w.ok("post_run_keep", {"keep": False}, ids={"run": w.whole})["kept"] is False, "not released")
    actions = [r["action"] for r in w.ok("get_run_audit", ids={"run": w.whole})["items"]]
    check(actions[-2:] == ["run.kept", "run.released"], actions)
    got = w.ok("get_retention")
    check(got["disk"]["state"] in ("ok", "tight") and got["rules"]["compress"] is True, got)
    check(w.ok("post_retention", {"dry_run": True})["actions"] == [], "something would go")
    check(w.ok("post_retention", {})["runs_removed"] == 0, "something went")


def audit(w):
    got = w.ok("post_audit_verify", {})
    check(got["ok"] and got["error"] is None, got)
    lines = [json.loads(x) for x in w.ok("get_audit_export").splitlines()]
    check(len(lines) == got["records"] + 1 and list(lines[-1]) == ["head"], "the export has", len(lines), "lines")
    for i, r in enumerate(lines[:-1]):
        w.schemas.must(r, {"$ref": "#/components/schemas/AuditRecord"}, "record")
        check(r["seq"] == i + 1, "record", i + 1, "is", r)
    w.schemas.must(lines[-1]["head"], {"$ref": "#/components/schemas/AuditHead"}, "head")
    check(lines[-1]["head"]["hash"] == lines[-2]["hash"], "the head is of another record")
    records, newest, before = lines[:-1], [], 9007199254740991
    while before:
        got = w.ok("get_audit", query="before_seq=%d&limit=200" % before)
        newest, before = newest + got["items"], got["next_seq"]
    newest = [r["seq"] for r in newest if r["seq"] <= len(records)]
    check(newest == [r["seq"] for r in reversed(records)], "the newest first:", newest[:20])
    check(w.ok("get_audit", query="before_seq=1")["items"] == [], "before the first")
    some = w.ok("get_audit", query="before_seq=10&after_seq=4")["items"]
    check([r["seq"] for r in some] == [9, 8, 7, 6, 5], "in between:", some)
    mid = records[len(records) // 2]
    for query, is_it in (("surface=system", lambda r: r["surface"] == "system"), ("target=" + str(mid["target"]), lambda r: r["target"] == mid["target"]),
                         ("since=" + mid["time"], lambda r: r["time"] >= mid["time"]), ("until=" + mid["time"], lambda r: r["time"] < mid["time"]),
                         ("since=%s&until=%s" % (mid["time"], mid["time"]), lambda r: False)):
        got = [r["seq"] for r in w.ok("get_audit", query=query + "&limit=1000")["items"]]
        want = [r["seq"] for r in records if is_it(r)][:1000]
        check(got[:len(want)] == want and (len(want) == 1000 or min(got[len(want):], default=len(records) + 1) > len(records)), query, got, want)
    for query in ("surface=phone", "since=yesterday", "until=2026-13-01T00:00:00Z", "before_seq=0", "before_seq=x"):
        check(w.call("get_audit", query=query).code == "invalid_request", query)


def covered(w):
    """Every route has given its documented success in this test."""
    w.need_sandbox()
    missing = [o.id for o in w.ops if o.id != "get_ws" and not any(s < 300 for i, s in w.answered if i == o.id)]
    check(not missing, "never seen to succeed:", missing)
    for o in w.ops:
        for i, s in w.answered:
            check(i != o.id or s >= 300 or str(s) in o.d["responses"], o.id, "answers", s, "which is not documented")


def guarded(_):
    """A server with a low rate, a host name and an origin of its own."""
    s = Server("--rate", "5", "--rate-burst", "20", "--allowed-hosts", "box.example", "--allowed-origins", "https://console.example")
    got = [s.request("GET", "/api/v1/whoami") for _ in range(60)]
    slow = [a for a in got if a.status == 429]
    check(slow and got[0].status == 200 and {a.status for a in got} == {200, 429}, {a.status for a in got})
    check(slow[0].code == "rate_limited" and slow[0].headers.get("retry-after") == "1", slow[0])
    wrong = [s.request("GET", "/api/v1/whoami", token="sp_" + "x" * 43).status for _ in range(60)]
    check(set(wrong) == {401, 429}, "wrong tokens are answered", set(wrong))
    check(s.request("GET", "/healthz", token=None, headers={"Host": "box.example"}).status == 200, "its own name")
    check(s.request("GET", "/healthz", token=None, headers={"Host": "other.example"}).status == 403, "another name")
    a = s.request("OPTIONS", "/api/v1/runs", token=None, key=None, headers={"Origin": "https://console.example",
                                                                              "Access-Control-Request-Method": "POST"})
    check(a.status == 204 and a.headers["access-control-allow-origin"] == "https://console.example", "preflight:", a, a.headers)
    check("Idempotency-Key" in a.headers["access-control-allow-headers"], a.headers)
    a = s.request("GET", "/healthz", token=None, headers={"Origin": "https://console.example"})
    check(a.status == 200 and a.headers["access-control-allow-origin"] == "https://console.example", "CORS:", a.headers)
    check("access-control-allow-origin" not in s.request("GET", "/healthz", token=None).headers, "CORS without an origin")
    check(s.stop() == 0, "it stopped badly:", s.log())
    s.remove()


def lives(w):
    check(w.server.proc.poll() is None, "it ended:", w.server.log())
    check('"level":"error"' not in w.server.log(), "it logged errors:", w.server.log())
    check(w.server.stop() == 0, "it stopped badly:", w.server.log())


def main():
    results, w = Results(), World()
    w.whole = None
    for case in (description, docs, reads, access, replays, denied, at_once, lists, whole_run, terminal, artifacts, asked, kept, audit,
                 covered, guarded):
        results.case(case.__name__, case, w)
    w.store.close()
    results.case("the server lived through it", lives, w)
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
