#!/usr/bin/env python3
"""git - does git inside a step work at normal speed? `git status` in a repository of 30,000 files, in steps of a run and on the
host, in turns; each turn is the median of 9, and each figure the median of the turns.

The bar is on the ratio: at most 3. Every stat goes through the overlay; a uid that is mapped to another one, or the real
core.checkStat, would make each file look changed and read it again (10 times as slow): that is what the bar guards.
"""
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SALLYPORT = os.environ["SALLYPORT"]
TURNS = int(os.environ.get("BENCH_TURNS", "5"))
BAR = 3
MEASURE = """import subprocess, time, statistics
def one():
    t = time.monotonic()
    out = subprocess.run(["git", "status", "--porcelain"], stdout=subprocess.PIPE, check=True).stdout
    assert out == b"", out[:200]
    return (time.monotonic() - t) * 1000
one()
print("median", statistics.median(one() for _ in range(9)))
"""


def repository(path):
    for d in range(30):
        os.makedirs(f"{path}/d{d}")
        for f in range(1000):
            with open(f"{path}/d{d}/f{f}", "w") as out:
                out.write(f"{d} {f}\n")
    with open(f"{path}/measure.py", "w") as out:
        out.write(MEASURE)
    for args in (["init", "-q"], ["add", "-A"], ["-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "all"],
                 ["status"]):
        subprocess.run(["git", *args], cwd=path, check=True, stdout=subprocess.DEVNULL)


def median_of(text):
    return float(next(x for x in text.split("\n") if x.startswith("median ")).split()[1])


def on_host(path):
    return median_of(subprocess.run(["/usr/bin/python3", "measure.py"], cwd=path, stdout=subprocess.PIPE, check=True, text=True).stdout)


class Server:
    def __init__(self, data):
        self.data = data
        self.proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error"],
                                     stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(f"{data}/address") or not os.path.getsize(f"{data}/address"):
            if self.proc.poll() is not None:
                sys.exit("the server did not start")
            time.sleep(0.01)
        with open(f"{data}/address") as a, open(f"{data}/admin-token") as t:
            self.addr, self.token = a.read().strip()[7:], t.read().strip()

    def ask(self, method, path, body=None, accept="application/json"):
        c = http.client.HTTPConnection(self.addr, timeout=120)
        c.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None,
                  {"Authorization": "Bearer " + self.token, "Content-Type": "application/json", "Accept": accept,
                   "Idempotency-Key": str(time.monotonic_ns())})
        r = c.getresponse()
        text = r.read().decode()
        if r.status >= 300:
            sys.exit(f"{method} {path}: {r.status} {text}")
        c.close()
        return text

    def inside(self):
        """One run, whose changes (git refreshes its index) are dropped."""
        stream = self.ask("POST", "/runs", {"project_id": "repo", "review": "effects", "steps": [{"argv": ["/usr/bin/python3", "measure.py"]}]})
        run = json.loads(stream)["id"]
        while True:
            r = json.loads(self.ask("GET", "/runs/" + run))
            if r["state"] == "awaiting_apply":
                self.ask("POST", f"/runs/{run}/discard", {})
            if r["state"] == "awaiting_approval":
                for a in json.loads(self.ask("GET", "/approvals?run_id=" + run))["items"]:
                    self.ask("POST", "/approvals/" + a["id"], {"decision": "allow"})
            if r["state"] in ("succeeded", "failed", "rejected", "canceled", "expired"):
                break
            time.sleep(0.05)
        if r["steps"][0]["state"] != "succeeded":
            sys.exit("the step failed: " + json.dumps(r["steps"][0]))
        return median_of(self.ask("GET", f"/steps/{r['steps'][0]['id']}/log", accept="text/plain"))


def main():
    tmp = tempfile.mkdtemp(prefix="sallyport-bench.")
    server = None
    try:
        os.environ.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", HOME=tmp)
        repository(f"{tmp}/repo")
        server = Server(f"{tmp}/data")
        server.ask("POST", "/projects", {"root_path": f"{tmp}/repo", "name": "repo"})
        ours, host = [], []
        for _ in range(TURNS):
            host.append(on_host(f"{tmp}/repo"))
            ours.append(server.inside())
        a, b = statistics.median(ours), statistics.median(host)
        print(f"BENCH git_status ours={a:.1f}ms peer={b:.1f}ms (git status on the host) ratio={a / b:.2f} bar={BAR} "
              f"{'ok' if a <= BAR * b else 'SHORT'}", flush=True)
    finally:
        if server:
            server.proc.send_signal(signal.SIGTERM)
            server.proc.wait(30)
        shutil.rmtree(tmp, ignore_errors=True)


main()
