#!/usr/bin/env python3
"""reconcile - what looking for leftovers costs beside 100,000 kept runs.

  reconcile_tick_cpu_ms   CPU of the server for one pass of the timer: it looks at 5,000 directories of runs and one of 256
                          directories of kept content, and goes on there in the next pass. The bar: with the default of a pass
                          every 10 s that is at most 1 % of a core
  reconcile_all_cpu_s     CPU of one pass over all of them, as POST /reconcile makes it (100,000 directories, 100,000 kept files)

peer: find(1) that stats the same directories and files, without asking anyone whether they are named. Medians of ROUNDS.

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import hashlib
import http.client
import json
import os
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SALLYPORT = os.environ["SALLYPORT"]
RUNS, ROUNDS, TICK_BAR_MS = 100_000, 3, 100
TICKS = os.sysconf("SC_CLK_TCK")
B32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(n):
    return "".join(B32[n >> 5 * i & 31] for i in range(25, -1, -1))


class Server:
    def __init__(self, data, every):
        self.proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error",
                                      "--reconcile-every", every], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(data + "/address"):
            if self.proc.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.01)
        with open(data + "/address") as f:
            self.addr = f.read().strip()[7:]
        with open(data + "/admin-token") as f:
            self.token = f.read().strip()

    def call(self, method, path, body=None):
        c = http.client.HTTPConnection(self.addr, timeout=120)
        c.request(method, path, json.dumps(body) if body is not None else None, {
            "Authorization": "Bearer " + self.token, "Content-Type": "application/json", "Idempotency-Key": str(time.monotonic_ns())})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        if r.status >= 300:
            raise SystemExit(f"{path}: {r.status} {text[:500]}")
        return text

    def cpu(self):
        with open(f"/proc/{self.proc.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def passes(self):
        return next(float(line.split()[1]) for line in self.call("GET", "/metrics").split("\n")
                    if line.startswith("sallyport_reconcile_passes_total "))

    def stop(self, data):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(60)
        if os.path.exists(data + "/address"):
            os.unlink(data + "/address")


def plant(data, project):
    """One real run, then its rows again and again under other ids, each with a directory and a kept file of its own."""
    s = Server(data, "24h")
    s.call("POST", "/api/v1/projects", {"root_path": project})
    run = json.loads(s.call("POST", "/api/v1/runs", {"project_id": "bench", "steps": [{"argv": ["true"]}], "review": "none"}))["id"]
    while json.loads(s.call("GET", "/api/v1/runs/" + run))["finished_at"] is None:
        time.sleep(0.05)
    s.stop(data)
    db = sqlite3.connect(data + "/sallyport.db")
    tables = {t: [c[1] for c in db.execute(f"PRAGMA table_info({t})")] for t in ("runs", "artifacts")}
    rows = {t: dict(zip(c, db.execute(f"SELECT * FROM {t} WHERE {'id' if t == 'runs' else 'run_id'} = ? LIMIT 1", (run,)).fetchone()))
            for t, c in tables.items()}
    then = time.time() - 10 * 86400
    runs, arts = [], []
    for n in range(RUNS):
        name, sha = "run_" + ulid(n + 1), hashlib.sha256(b"%d" % n).hexdigest()
        os.makedirs(f"{data}/runs/{name}/logs")
        os.makedirs(f"{data}/blobs/{sha[:2]}", exist_ok=True)
        path = f"{data}/blobs/{sha[:2]}/{sha}"
        with open(path, "wb"):
            pass
        os.utime(path, (then, then))
        runs.append(tuple({**rows["runs"], "id": name, "finished_us": 1}.values()))
        arts.append(tuple({**rows["artifacts"], "id": "art_" + ulid(n + 1), "run_id": name, "sha256": sha}.values()))
    for t, many in (("runs", runs), ("artifacts", arts)):
        db.executemany(f"INSERT INTO {t} VALUES ({', '.join('?' * len(tables[t]))})", many)
    db.commit()
    db.close()


def find_cpu(data):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["find", "runs", "blobs", "-maxdepth", "2", "-printf", "%T@"], cwd=data, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bench(name, ours, peer, bar, ok):
    print(f"BENCH {name} ours={ours:.4g} peer={peer:.4g} (find) ratio={ours / peer:.2f} bar={bar} {'ok' if ok else 'SHORT'}", flush=True)


def main():
    tmp = tempfile.mkdtemp(prefix="sallyport-bench.")
    data, project = tmp + "/data", tmp + "/bench"
    os.mkdir(project)
    try:
        plant(data, project)
        s = Server(data, "24h")
        whole, peer = [], []
        s.call("POST", "/api/v1/reconcile", {})
        for _ in range(ROUNDS):
            before = s.cpu()
            start = time.monotonic()
            got = json.loads(s.call("POST", "/api/v1/reconcile", {}))
            whole.append((s.cpu() - before, time.monotonic() - start))
            if got["more"] or [a for a in got["actions"] if not a["detail"].startswith("/")]:
                raise SystemExit(f"it found something: {got}"[:2000])
            peer.append(find_cpu(data))
        s.stop(data)
        s = Server(data, "100ms")
        ticks = []
        for _ in range(ROUNDS):
            before, first = s.cpu(), s.passes()
            time.sleep(3)
            ticks.append((s.cpu() - before) / (s.passes() - first) * 1000)
        s.stop(data)
        all_s, find_s, tick_ms = (statistics.median(x) for x in ([w[0] for w in whole], peer, ticks))
        bench("reconcile_all_cpu_s", all_s, find_s, "none", True)
        bench("reconcile_tick_cpu_ms", tick_ms, find_s * 1000 / 20, TICK_BAR_MS, tick_ms <= TICK_BAR_MS)
        print(f"     {RUNS} kept runs; a whole pass took {statistics.median(w[1] for w in whole):.2f} s")
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
