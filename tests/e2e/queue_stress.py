"""queue_stress - posts runs over projects while it watches, from outside, how many run: of each project, and in all.

queue_stress.py URL TOKEN PROJECT=MAX ... TENANT_MAX RUNS: exit 1 when a limit was exceeded or a run did not succeed.
"""
import http.client
import json
import sys
import threading
import time

URL, TOKEN, *LIMITS, TENANT, RUNS = sys.argv[1:]
LIMITS = {p: int(n) for p, n in (x.split("=") for x in LIMITS)}
TENANT, RUNS, WAIT = int(TENANT), int(RUNS), 240


def connect():
    return http.client.HTTPConnection(URL.split("//")[1].strip(), timeout=60)


def ask(c, method, path, body=None, key=None):
    head = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    if key:
        head["Idempotency-Key"] = key
    c.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, head)
    a = c.getresponse()
    text = a.read()
    if a.status >= 300:
        raise SystemExit("%s %s: %d %s" % (method, path, a.status, text))
    return json.loads(text)


def post():
    c = connect()
    for i in range(RUNS):
        ask(c, "POST", "/runs", {"project_id": list(LIMITS)[i % len(LIMITS)], "review": "none", "priority": i % 7 - 3,
                                 "steps": [{"command": "sleep 0.0%d" % (i % 5)}]}, "stress-%d" % i)


def main():
    c, bad, most, looks, end = connect(), [], {}, 0, time.monotonic() + WAIT
    threading.Thread(target=post, daemon=True).start()
    while time.monotonic() < end:
        now = {}
        for r in ask(c, "GET", "/runs?state=running&limit=500")["items"]:
            now[r["project_name"]] = now.get(r["project_name"], 0) + 1
        looks += 1
        time.sleep(0.002)  # the machine is theirs, too
        for p, n in list(now.items()) + [("all", sum(now.values()))]:
            most[p] = max(most.get(p, 0), n)
            if n > LIMITS.get(p, TENANT):
                bad.append("%d of %s run" % (n, p))
        if looks % 20 == 0 and ask(c, "GET", "/metrics/summary")["runs"]["succeeded"] >= RUNS + DONE:
            break
    s = ask(c, "GET", "/metrics/summary")
    print("%d runs, %d looks, most at once: %s" % (s["runs"]["succeeded"] - DONE, looks, most))
    print("claims %d, lost leases %d" % (s["queue"]["claims"], s["queue"]["lost_leases"]))
    if s["runs"]["succeeded"] - DONE != RUNS or s["queue"]["lost_leases"]:
        bad.append("runs by state: %s" % {k: v for k, v in s["runs"].items() if v})
    if not most.get("all", 0) > 1:
        bad.append("never saw two at once: this proves nothing")
    print("\n".join(bad[:10]))
    return 1 if bad else 0


DONE = ask(connect(), "GET", "/metrics/summary")["runs"]["succeeded"]
sys.exit(main())
