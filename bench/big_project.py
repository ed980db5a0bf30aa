#!/usr/bin/env python3
"""big_project - what the size of a project costs a run, and what the size of a change costs the server.

  big_plain, big_git   one step that changes 3 files of 100,000, applied without a door (review none), to run.completed:
                       how many ms more than (peer) the same run in a project of only these 3 files; in a plain folder
                       and in a git repository; medians of ROUNDS interleaved rounds
  many_changes         one step that appends a line to each of 100,000 files: seconds from the approved plan to the
                       second door; peer: git add -A && git diff --cached of the same change, written to a file
  many_changes_rss     peak VmHWM of the server over all of it, apply included; peer: that git's largest maxrss

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import http.client
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SALLYPORT = os.environ["SALLYPORT"]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
FILES = 100000
THREE = "date +%N >> d00/f0; date +%N >> d00/f1; date +%N >> d00/f2"
CHANGE = """import os
for d, dirs, names in os.walk("."):
    dirs[:] = [x for x in dirs if x != ".git"]
    for n in names:
        if n[0] == "f":
            with open(os.path.join(d, n), "a") as f:
                f.write("more\\n")
"""


def bench(name, ours, peer, peer_name, bar, unit):
    print(f"BENCH {name} ours={ours:.1f}{unit} peer={peer:.1f}{unit} ({peer_name}) ratio={ours / peer:.2f} bar={bar}{unit} "
          f"{'ok' if ours <= bar else 'SHORT'}", flush=True)


def make(root, dirs, files):
    for d in range(dirs):
        os.makedirs(f"{root}/d{d:02}")
        for f in range(files):
            with open(f"{root}/d{d:02}/f{f}", "w") as out:
                out.write(f"file {d} {f}\n" * 3)


def git(root):
    subprocess.run("git init -q . && git config gc.auto 0 && git config core.fsync none && git add -A && "
                   "git -c user.name=b -c user.email=b@b commit -qm start", shell=True, cwd=root, check=True)


class Server:
    def __init__(self, tmp):
        self.data, self.n = f"{tmp}/data", 0
        self.proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--log-level",
                                      "error", "--rate", "0"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not os.path.exists(f"{self.data}/address"):
            if time.monotonic() > end:
                raise SystemExit("the server did not start")
            time.sleep(0.005)
        self.addr = open(f"{self.data}/address").read().strip()[7:]
        self.token = open(f"{self.data}/admin-token").read().strip()

    def call(self, method, path, body=None, **more):
        self.n += 1
        c = http.client.HTTPConnection(self.addr, timeout=300)
        c.request(method, "/api/v1" + path, None if body is None else json.dumps(body),
                  {"Authorization": "Bearer " + self.token, "Content-Type": "application/json",
                   "Idempotency-Key": f"k{self.n}", **more})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        if r.status >= 300:
            raise SystemExit(f"{method} {path}: {r.status} {text[-400:]}")
        return text

    def run(self, project, **body):
        """A run to its end, in ms."""
        t = time.monotonic()
        text = self.call("POST", "/runs", {"project_id": project, "review": "none", **body}, Accept="text/event-stream")
        ms = (time.monotonic() - t) * 1000
        if '"state":"succeeded"' not in text:
            raise SystemExit("a run did not succeed: " + text[-500:])
        return ms

    def until(self, run, state):
        end = time.monotonic() + 300
        while (now := json.loads(self.call("GET", f"/runs/{run}"))["state"]) != state:
            if now in ("failed", "canceled", "rejected", "expired") or time.monotonic() > end:
                raise SystemExit(f"the run is {now}, not {state}")
            time.sleep(0.02)

    def hwm_mib(self):
        with open(f"/proc/{self.proc.pid}/status") as f:
            return next(int(x.split()[1]) for x in f if x.startswith("VmHWM")) / 1024

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(60)


def three_of_many(server):
    names = ["small", "big", "smallgit", "biggit"]
    ms = {n: [] for n in names}
    for i in range(ROUNDS + 2):
        for n in names:
            t = server.run(n, steps=[{"command": THREE}])
            if i >= 2:
                ms[n].append(t)
    for kind, small, big in (("plain", "small", "big"), ("git", "smallgit", "biggit")):
        s, b = statistics.median(ms[small]), statistics.median(ms[big])
        print(f"BENCH big_{kind} ours={b - s:+.1f}ms peer={s:.1f}ms (the same run in a project of 3 files) "
              f"ratio={b / s:.2f} bar=+100ms {'ok' if b - s <= 100 else 'SHORT'}", flush=True)


def all_of_many(server, tmp):
    run = json.loads(server.call("POST", "/runs", {"project_id": "big", "review": "effects",
                                                   "steps": [{"argv": ["python3", "change.py"]}]}))["id"]
    t = time.monotonic()
    server.until(run, "awaiting_apply")
    ours = time.monotonic() - t
    subprocess.run([sys.executable, "change.py"], cwd=f"{tmp}/biggit", check=True)
    t = time.monotonic()
    subprocess.run(f"git add -A && git diff --cached > {tmp}/diff", shell=True, cwd=f"{tmp}/biggit", check=True)
    peer = time.monotonic() - t
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    bench("many_changes", ours, peer, "git add -A && git diff --cached, without running the step", 60, "s")
    t = time.monotonic()
    server.call("POST", f"/runs/{run}/apply", {})
    server.until(run, "succeeded")
    print(f"     many_changes applied, with pre-images synced, in {time.monotonic() - t:.1f} s")
    bench("many_changes_rss", server.hwm_mib(), rss, "git", 256, "MiB")


def main():
    tmp = tempfile.mkdtemp(prefix="sallyport-bench.")
    try:
        make(f"{tmp}/small", 1, 3)
        make(f"{tmp}/big", 100, FILES // 100)
        for n in ("small", "big"):
            with open(f"{tmp}/{n}/change.py", "w") as f:
                f.write(CHANGE)
            subprocess.run(["cp", "-a", f"{tmp}/{n}", f"{tmp}/{n}git"], check=True)
            git(f"{tmp}/{n}git")
        server = Server(tmp)
        try:
            for n in ("small", "big", "smallgit", "biggit"):
                server.call("POST", "/projects", {"root_path": f"{tmp}/{n}"})
            three_of_many(server)
            all_of_many(server, tmp)
        finally:
            server.stop()
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


main()
