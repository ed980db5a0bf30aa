"""console_server - see console_server.sh."""
import gzip
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_lib import SALLYPORT, Results, Server, Skip, check, run_main  # noqa: E402
from ws_lib import Closed, Refused, Ws, until  # noqa: E402

PAGES = ["/", "/inbox", "/projects", "/plan", "/runs", "/runs/run_01ARZ3NDEKTSV4RRFFQ69G5FAV", "/policy", "/audit", "/queue",
         "/settings", "/login"]
CSP = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "connect-src": "'self'",
       "manifest-src": "'self'", "worker-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
       "require-trusted-types-for": "'script'", "trusted-types": "sallyport"}


def get(s, path, method="GET", **headers):
    return s.request(method, path, token=None, headers={k.replace("_", "-"): v for k, v in headers.items()})


def has_console():
    return json.loads(subprocess.run([SALLYPORT, "version", "--json"], stdout=subprocess.PIPE, check=True).stdout)["console"]


def safe(a):
    """The headers that every file of the console has."""
    said = dict(d.strip().split(" ", 1) for d in a.headers["content-security-policy"].split(";"))
    check(said == CSP, "the policy is", said)
    check("unsafe" not in a.headers["content-security-policy"], a.headers)
    for name, value in {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
                        "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin"}.items():
        check(a.headers.get(name) == value, name, "is", a.headers.get(name))
    check("set-cookie" not in a.headers, "a file sets a cookie")


# ---- files ---------------------------------------------------------------------

def pages(s):
    """every page is one document, and nothing else is"""
    a = get(s, "/")
    check(a.status == 200 and a.headers["content-type"] == "text/html; charset=utf-8", a)
    for path in PAGES:
        b = get(s, path + "?x=1")
        check(b.status == 200 and b.body == a.body, path, b)
        safe(b)
        h = get(s, path, "HEAD")
        check(h.status == 200 and h.body == b"" and h.headers["content-length"] == str(len(a.body)), path, h.headers)
    for method in ("POST", "PUT", "DELETE"):
        b = s.request(method, "/inbox", token=None)
        check(b.status == 405 and b.headers["allow"] == "GET, HEAD" and b.code == "method_not_allowed", method, b)
    for path in ("/nope", "/runs/", "/runs/a/b", "/assets/", "/assets/nope.js", "/inbox/", "/files.json", "/console_files.bin",
                 "/index.html/", "//", "/assets//x"):
        b = get(s, path)
        check(b.status in (400, 404), path, b)
    for path in ("/../etc/passwd", "/assets/../../etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "/assets/%2e%2e/x", "/assets/%00"):
        b = get(s, path)
        check(b.status == 400, path, b)
    check(get(s, "/", Host="evil.example").status == 403, "another host's name is served")
    check(get(s, "/healthz").json == {"status": "ok"}, "the API is still there")


HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"  # Chromium's, for a page


def lost(s):
    """who opens an address that is none gets the console with 404; programs, and all below /api, get their JSON"""
    index = get(s, "/").body
    for path in ("/nope", "/inbox/", "/projects/x", "/runs/", "/runs/a/b", "/assets/nope.js", "/apiary"):
        for method, body in (("GET", index), ("HEAD", b"")):
            a = get(s, path + "?x=1", method, Accept=HTML)
            check(a.status == 404 and (a.body == body or not has_console()), method, path, a)
            if has_console():
                safe(a)
                check(a.headers["cache-control"] == "no-store" and "etag" not in a.headers, path, a.headers)
                check(a.headers["content-type"] == "text/html; charset=utf-8" and a.headers["content-length"] == str(len(index)), a.headers)
        if has_console():
            a = get(s, path, Accept=HTML, Accept_Encoding="gzip")
            check(a.status == 404 and gzip.decompress(a.body) == index, path, a)
            a = get(s, path, Accept=HTML, If_None_Match="*")
            check(a.status == 404 and a.body == index, path, a)
        for accept in (None, "*/*", "application/json"):
            a = get(s, path, Accept=accept)
            check(a.status == 404 and a.code == "not_found", path, accept, a)
    for path in ("/api", "/api/", "/api/v1", "/api/v1/nope", "/api/v2/runs"):
        a = get(s, path, Accept=HTML)
        check(a.status == 404 and a.code == "not_found", path, a)
    a = s.request("POST", "/nope", token=None, headers={"Accept": HTML})
    check(a.status == 404 and a.code == "not_found", "POST", a)
    check(get(s, "/metrics", "DELETE", Accept=HTML).status == 405, "another method of what is there")
    check(get(s, "/nope", Accept=HTML, Host="evil.example").status == 403, "another host's name is served")


def files(s):
    """each file comes compressed or plain, with a tag, and is kept as long as its name says"""
    if not has_console():
        raise Skip("this build has no console")
    index = get(s, "/").body.decode()
    assets = re.findall(r'(?:src|href)="(/[^"]+)"', index)
    check(any(a.endswith(".js") for a in assets), "the document loads no script:", index)
    check("<script>" not in index and "<style" not in index and not re.search(r"\son\w+=|\sstyle=", index), "inline code:", index)
    for path in ["/", "/manifest.webmanifest", *assets]:
        plain = get(s, path)
        small = get(s, path, Accept_Encoding="gzip, br")
        check(plain.status == small.status == 200, path, plain)
        check("content-encoding" not in plain.headers, path, plain.headers)
        safe(plain)
        safe(small)
        if small.headers.get("content-encoding") == "gzip":
            check(gzip.decompress(small.body) == plain.body, path, "is another file when compressed")
            check(plain.headers["etag"] != small.headers["etag"] and plain.headers["vary"] == "Accept-Encoding", path, plain.headers)
        keep = "public, max-age=31536000, immutable" if path.startswith("/assets/") else "no-cache"
        for a, accept in ((plain, None), (small, "gzip")):
            check(a.headers["cache-control"] == keep, path, a.headers)
            b = get(s, path, If_None_Match='"x", ' + a.headers["etag"], Accept_Encoding=accept)
            check(b.status == 304 and b.body == b"" and b.headers["etag"] == a.headers["etag"], path, b.headers)
            safe(b)
        check(get(s, path, If_None_Match='"x"').status == 200, path)


def without(s):
    """a build without the console says so, and how to get it"""
    if has_console():
        raise Skip("this build has the console")
    a = get(s, "/")
    check(b"no web console" in a.body and b"nodejs npm" in a.body and b"<script" not in a.body, a)
    check("without the web console" in s.log(), s.log())


# ---- logins --------------------------------------------------------------------

class Browser:
    """A cookie and its proof, and requests as a page makes them."""

    def __init__(self, s, token=None, login=True):
        self.s, self.cookie, self.csrf = s, None, None
        if login:
            a = s.request("POST", "/api/v1/login", {"token": token or s.admin}, token=None, key=None)
            check(a.status == 200, "login:", a)
            self.answer, self.set = a.json, a.headers["set-cookie"]
            self.cookie, self.csrf = self.set.split(";")[0], a.json["csrf"]

    def call(self, method, path, body=None, key="new", **headers):
        h = {"Cookie": self.cookie, "Sallyport-CSRF": self.csrf, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.s.request(method, "/api/v1" + path, body, token=None, key=key, headers=h)

    def ws(self, **headers):
        origin = "http://%s:%d" % (self.s.host, self.s.port)
        return Ws(self.s, token=None, headers={"Cookie": self.cookie, "Origin": origin, **{k.replace("_", "-"): v for k, v in headers.items()}})


def refused(a, status=401, code="unauthorized"):
    check(a.status == status and a.code == code, "should be", status, code, "and is", a)


def login(s):
    """a login is a cookie and its proof; both together are the token, on the surface `console`"""
    b = Browser(s)
    name, _, rest = b.set.partition("=")
    check(name == "sallyport-%d" % s.port, "the cookie is called", name)
    check({x.strip() for x in rest.split(";")[1:]} == {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"}, b.set)
    check(s.admin not in b.set and b.answer["token"]["id"] not in b.set and s.admin not in json.dumps(b.answer), "it tells the token")
    me = b.call("GET", "/me")
    check(me.status == 200 and me.json["token"] == b.answer["token"] and me.json["token"]["name"] == "admin", me)
    check(me.json == s.request("GET", "/api/v1/me").json, "by token it is somebody else:", me)
    check(b.call("GET", "/projects", Origin="http://%s:%d" % (s.host, s.port), Sec_Fetch_Site="same-origin").status == 200, "from its page")
    made = b.call("POST", "/tokens", {"name": "by console", "scopes": ["run:read"]})
    check(made.status == 201, made)
    rows = s.request("GET", "/api/v1/audit?limit=1000").json["items"]
    seen = {r["action"]: r for r in rows if r["surface"] == "console"}
    check(set(seen) == {"console.login", "token.created"}, "audited:", seen)
    check(len({r["actor"] for r in seen.values()}) == 1 and me.json["token"]["id"] in seen["token.created"]["actor"], seen)
    secure = s.request("POST", "/api/v1/login", {"token": s.admin}, token=None, key=None,
                       headers={"Origin": "https://%s:%d" % (s.host, s.port)})
    check(secure.headers["set-cookie"].endswith("; Secure"), "behind TLS:", secure.headers)


def halves(s):
    """neither half counts alone, on no method; nor do the halves of two logins, bent ones, or those of another server"""
    b, c = Browser(s), Browser(s)
    for path in ("/me", "/runs", "/tokens", "/audit/export"):
        refused(b.call("GET", path, Sallyport_CSRF=None))
        refused(b.call("GET", path, Cookie=None))
        refused(b.call("GET", path, Sallyport_CSRF=c.csrf))
        refused(b.call("GET", path, Sallyport_CSRF="x"))
    for headers in ({"Sallyport_CSRF": None}, {"Sallyport_CSRF": c.csrf}, {"Cookie": None}):
        refused(b.call("POST", "/tokens", {"name": "n", "scopes": ["run:read"]}, **headers))
        refused(b.call("DELETE", "/tokens/" + b.answer["token"]["id"], **headers))
        refused(b.call("PUT", "/policy", {"text": ""}, **headers))
    name, _, value = b.cookie.partition("=")
    for bad in (value[:-1], value[1:], value + "A", ("B" if value[0] == "A" else "A") + value[1:], "", "x" * 4000, value.swapcase()):
        refused(b.call("GET", "/me", Cookie=name + "=" + bad))
    refused(b.call("GET", "/me", Cookie="sallyport-1=" + value))
    refused(b.call("GET", "/me", Cookie=value))
    # Other servers of this host may set cookies of our name, and other browsers' cookies are no obstacle.
    theirs = name + "=" + "x" * 40
    check(b.call("GET", "/me", Cookie="%s; %s; a=b" % (theirs, b.cookie)).status == 200, "another one's cookie shuts us out")
    check(b.call("GET", "/me", Cookie="%s; %s" % (c.cookie, b.cookie)).status == 200, "of two logins")
    # As many as the head of a request holds, of any length: the one that is ours is found.
    for shadow, count in ((theirs, 150), (name + "=", 800), (name + "=" + value[:-1] + "A", 110), (name + "=" + "x" * 4000, 3)):
        for cookie in ("; ".join([shadow] * count + [b.cookie]), "; ".join([b.cookie] + [shadow] * count)):
            check(b.call("GET", "/me", Cookie=cookie).status == 200, count, "cookies like", shadow[:60], "shut us out")
            b.ws(Cookie=cookie).connect(csrf=b.csrf)
    other = Server()
    try:
        d = Browser(other)
        refused(b.call("GET", "/me", Cookie=name + "=" + d.cookie.partition("=")[2], Sallyport_CSRF=d.csrf))
        refused(d.call("GET", "/me", Cookie=d.cookie.partition("=")[0] + "=" + value, Sallyport_CSRF=b.csrf))
    finally:
        other.remove()
    check(b.call("GET", "/me").status == 200, "and it still holds")


def origins(s):
    """a page of another origin is refused, another port of this host too, and even with both halves"""
    b = Browser(s)
    for origin in ("http://%s:%d" % (s.host, s.port + 1), "http://localhost:%d" % s.port, "http://%s" % s.host, "null", "https://evil.example"):
        refused(b.call("GET", "/me", Origin=origin), 403, "host_not_allowed")
        refused(b.call("POST", "/reconcile", {"dry_run": True}, Origin=origin), 403, "host_not_allowed")
        refused(s.request("POST", "/api/v1/login", {"token": s.admin}, token=None, key=None, headers={"Origin": origin}), 403, "host_not_allowed")
        try:
            b.ws(Origin=origin)
            check(False, "a WebSocket from", origin)
        except Refused as r:
            check(r.status == 403, origin, r.status)
    for site in ("same-site", "cross-site", "none"):
        refused(b.call("GET", "/me", Sec_Fetch_Site=site), 403, "host_not_allowed")
        refused(s.request("POST", "/api/v1/login", {"token": s.admin}, token=None, key=None, headers={"Sec-Fetch-Site": site}), 403, "host_not_allowed")
    # An origin that is allowed to use tokens (CORS) may not use logins.
    friend = Server("--allowed-origins", "https://friend.example")
    try:
        d = Browser(friend)
        check(friend.request("GET", "/api/v1/me", headers={"Origin": "https://friend.example"}).status == 200, "by token")
        refused(d.call("GET", "/me", Origin="https://friend.example"), 403, "host_not_allowed")
        w = d.ws(Origin="https://friend.example")
        check(w.err("connect", {"protocol": {"min": 1, "max": 1}, "csrf": d.csrf}) == "unauthorized", "a WebSocket of it")
    finally:
        friend.remove()


def bad_logins(s):
    """a login with what is no token, or a token that has ended, is refused and gives no cookie"""
    for body, status, code in (({"token": "sp_" + "x" * 43}, 401, "unauthorized"), ({"token": "x"}, 401, "unauthorized"), ({}, 400, "invalid_request"),
                               ({"token": 1}, 400, "invalid_request"), ({"token": s.admin, "x": 1}, 400, "unknown_field"),
                               ({"token": "x" * 201}, 400, "invalid_request")):
        a = s.request("POST", "/api/v1/login", body, token=None, key=None)
        refused(a, status, code)
        check("set-cookie" not in a.headers and "csrf" not in a.json, a.headers)
    check("a login of the console was refused" in s.log() and "xxxxxxxx" not in s.log(), s.log())
    slow = Server("--rate", "1", "--rate-burst", "3")
    try:
        codes = [slow.request("POST", "/api/v1/login", {"token": "sp_" + "x" * 43}, token=None, key=None).code for _ in range(20)]
        check(codes[0] == "unauthorized" and codes.count("rate_limited") >= 10, "guesses are answered", codes)
    finally:
        slow.remove()


def ends(s):
    """it ends with its token, when it is ended, and when it is too old; the WebSockets of it too"""
    t = s.request("POST", "/api/v1/tokens", {"name": "short", "scopes": ["run:read"]}).json
    b, c = Browser(s, t["token"]), Browser(s, t["token"])
    refused(b.call("GET", "/tokens"), 403, "forbidden")
    check(b.call("POST", "/logout", {}, Sallyport_CSRF="x").status == 401 and b.call("GET", "/me").status == 200, "ended by half")
    w = b.ws()
    w.connect(csrf=b.csrf)
    out = b.call("POST", "/logout", {}, key=None)
    check(out.status == 204 and re.match(r"sallyport-\d+=; .*Max-Age=0", out.headers["set-cookie"]), out, out.headers)
    refused(b.call("GET", "/me"))
    check(w.err("ping") == "unauthorized", "the WebSocket goes on")
    check(c.call("GET", "/me").status == 200, "another login of the token ended, too")
    check(s.request("POST", "/api/v1/logout", {}, key=None).status == 204, "by token there is nothing to end")
    check(s.request("DELETE", "/api/v1/tokens/" + t["id"]).status == 204, "revoke")
    refused(c.call("GET", "/me"))
    w = c.ws()
    check(w.err("connect", {"protocol": {"min": 1, "max": 1}, "csrf": c.csrf}) == "unauthorized", "a WebSocket of a revoked token")
    seen = [r["action"] for r in s.request("GET", "/api/v1/audit?limit=1000&action=console.logout").json["items"]]
    check(seen == ["console.logout"], seen)
    short = Server("--login-lifetime", "1s")
    try:
        d = Browser(short)
        check("Max-Age=1;" in d.set + ";", d.set)
        until(60, lambda: d.call("GET", "/me").status == 401, "the login expires")
    finally:
        short.remove()


def websockets(s):
    """a WebSocket needs the cookie in its handshake and the proof in its connect"""
    b, c = Browser(s), Browser(s)
    version = {"min": 1, "max": 1}
    w = b.ws()
    hello = w.connect(csrf=b.csrf)
    check(b.answer["token"]["id"] in hello["actor"], hello)
    p = w.ok("projects.list")
    check(p["items"] == [], p)
    for params in ({}, {"csrf": c.csrf}, {"csrf": "x"}, {"csrf": ""}):
        w = b.ws()
        check(w.err("connect", {"protocol": version, **params}) == "unauthorized", params)
        try:
            w.message()
            check(False, "it stays open")
        except Closed as why:
            check(why.code == 1008, why.code)
    check(b.ws(Cookie=None).err("connect", {"protocol": version, "csrf": b.csrf}) == "unauthorized", "without a cookie")
    check(b.ws().err("connect", {"protocol": version, "csrf": b.csrf, "token": s.admin}) == "invalid_request", "two ways at once")
    check(b.ws(Sec_Fetch_Site="same-site").err("connect", {"protocol": version, "csrf": b.csrf}) == "unauthorized", "from another port")
    w = b.ws()
    check(w.ok("connect", {"protocol": version, "token": s.admin})["actor"] == hello["actor"], "by token, whatever the cookie")
    w = b.ws()
    w.connect(csrf=b.csrf)
    w.ok("policy.update", {"text": s.request("GET", "/api/v1/policy").json["text"], "idempotency_key": "by-console-ws"})
    rows = s.request("GET", "/api/v1/audit?limit=1000&action=policy.updated").json["items"]
    check([r["surface"] for r in rows] == ["console"], rows)


# ---- some hunks of some files ------------------------------------------------------

TEN = "".join("%d\n" % i for i in range(1, 11))


def hunks(s):
    """of a file some hunks are applied, as they are numbered in the diff, and undone"""
    if not s.request("GET", "/readyz", token=None).json["ready"]:
        raise Skip("no sandbox on this host")
    root = os.path.join(s.dir, "project")
    os.mkdir(root)
    for name in ("one", "two", "three"):
        with open(os.path.join(root, name), "w") as f:
            f.write("a\n" + TEN + "b\n")
    os.mkdir(os.path.join(root, "dir"))
    open(os.path.join(root, "gone"), "w").write("gone\n")
    open(os.path.join(root, "dir", "x"), "w").write("x\n")
    b = Browser(s)
    project = b.call("POST", "/projects", {"root_path": root, "name": "hunks"}).json["id"]
    script = "for f in one two three; do sed -i 's/^a$/A/;s/^b$/B/' $f; done; head -c 100 /dev/zero >zeros; echo new >new; rm gone; echo y >dir/x"
    asked = b.call("POST", "/runs", {"project_id": project, "review": "effects", "steps": [{"argv": ["sh", "-c", script]}]})
    run = asked.json["id"]

    def state():
        return b.call("GET", "/runs/" + run).json

    def ended(what):
        until(120, lambda: state()["state"] in ("awaiting_apply", "awaiting_approval", "succeeded", "failed"), what)

    ended("the steps")
    if state()["state"] == "awaiting_approval":  # the policy asks about sh -c
        a = b.call("GET", "/approvals?state=pending&run_id=" + run).json["items"][0]
        b.call("POST", "/approvals/" + a["id"], {"decision": "allow"})
        until(120, lambda: state()["state"] in ("awaiting_apply", "failed"), "the steps")
    check(state()["state"] == "awaiting_apply", state())
    diff = b.call("GET", "/runs/%s/diff?path=one" % run).body.decode()
    check(diff.count("\n@@ -") == 2, diff)
    digest, path = b.call("GET", "/runs/%s/changes" % run).json["digest"], "/runs/%s/apply" % run
    for pick, field in (({"path": "one", "hunks": [3]}, "hunks[0]"), ({"path": "one", "hunks": [0]}, "hunks[0]"), ({"path": "zeros", "hunks": [1]}, "hunks[0].path"),  # binary
                        # what has no hunks that can be taken must be refused now: later it would end the run, and lose its work
                        ({"path": "new", "hunks": [1]}, "hunks[0].path"), ({"path": "gone", "hunks": [1]}, "hunks[0].path"),
                        ({"path": "dir", "hunks": [1]}, "hunks[0].path"),
                        ({"path": "one", "hunks": []}, "hunks[0]"), ({"hunks": [1]}, "hunks[0]"), ({"path": "nope", "hunks": [1]}, "hunks[0].path"),
                        ({"path": "one", "path_b64": "b25l", "hunks": [1]}, "hunks[0]"), ({"path": "one"}, "hunks[0].hunks")):
        a = b.call("POST", path, {"digest": digest, "hunks": [pick]})
        check(a.status == 400 and a.json["error"]["details"]["field"] == field, pick, "is taken:", a)
    a = b.call("POST", path, {"digest": digest, "hunks": [{"path": "one", "hunks": [1]}, {"path": "one", "hunks": [2]}]})
    check(a.status == 400, "a file twice", a)
    a = b.call("POST", path, {"digest": digest, "paths": ["three"], "hunks": [{"path": "one", "hunks": [1]}, {"path_b64": "dHdv", "hunks": [2]}]})
    check(a.status == 202, a)
    until(120, lambda: state()["state"] in ("succeeded", "failed"), "the apply")
    done = state()["apply"]
    check(done["applied"] and done["files"] == 3 and done["additions"] == 4, done)
    check(done["paths"] == ["three"] and done["hunks"] == [{"path": "one", "hunks": [1]}, {"path_b64": "dHdv", "hunks": [2]}], done)
    check({x["path"]: x["why"] for x in done["skipped"]} == {"one": "1 of 2 hunks were selected", "two": "1 of 2 hunks were selected",
                                                              "dir/x": "not selected", "gone": "not selected", "new": "not selected",
                                                              "zeros": "not selected"}, done)

    def texts():
        return [open(os.path.join(root, name)).read() for name in ("one", "two", "three")]

    check(texts() == ["A\n" + TEN + "b\n", "a\n" + TEN + "B\n", "A\n" + TEN + "B\n"], texts())
    run = b.call("POST", "/runs/%s/undo" % run, {}).json["id"]
    until(120, lambda: state()["state"] in ("succeeded", "failed"), "the undo")
    check(state()["state"] == "succeeded" and texts() == ["a\n" + TEN + "b\n"] * 3, state(), texts())


def many(s):
    """a token has a hundred logins; the oldest end"""
    first = Browser(s)
    for _ in range(99):
        last = Browser(s)
    check(first.call("GET", "/me").status == 200, "too early")
    Browser(s)
    refused(first.call("GET", "/me"))
    check(last.call("GET", "/me").status == 200, "the newest")


def restart(s):
    """logins outlive the server"""
    b = Browser(s)
    check(s.stop() == 0, s.log())
    s.flags = ("--listen", "127.0.0.1:%d" % s.port)
    s.start()
    check(b.call("GET", "/me").status == 200, "after a restart")


def main():
    r, s = Results(), Server()
    for fn in (pages, lost, files, without, login, halves, origins, bad_logins, ends, websockets, hunks, many, restart):
        r.case(fn.__doc__.split("\n")[0], fn, s)
    r.case("the server lived through it", lambda: check(s.stop() == 0, s.log()))
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
