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
import os
import resource
import sqlite3
import statistics
import subprocess
import time

from procs import cpu_s, scratch
from report import bench, more
from server import FINAL, Server

RUNS, ROUNDS, TICK_BAR_MS = 100_000, 3, 100
B32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(n):
    return "".join(B32[n >> 5 * i & 31] for i in range(25, -1, -1))


def start(data, every):
    return Server(data, "--reconcile-every", every)


def passes(server):
    return next(float(line.split()[1]) for line in server.fetch("GET", "/metrics").split("\n")
                if line.startswith("sallyport_reconcile_passes_total "))


def plant(data, project):
    """One real run, then its rows again and again under other ids, each with a directory and a kept file of its own."""
    with start(data, "24h") as s:
        s.add_project(project)
        run = s.start("bench", {"argv": ["true"]}, review="none")
        s.until(run, *FINAL)
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


def line(name, ours, peer, bar, ok):
    bench(name, f"{ours:.4g}", f"{peer:.4g}", "find", ours / peer, bar, ok)


def whole_passes(data):
    """CPU seconds and seconds of each, and find's CPU seconds."""
    whole, peer = [], []
    with start(data, "24h") as s:
        s.call("POST", "/reconcile", {})
        for _ in range(ROUNDS):
            before, t = cpu_s([s.proc.pid]), time.monotonic()
            got = s.call("POST", "/reconcile", {})
            whole.append((cpu_s([s.proc.pid]) - before, time.monotonic() - t))
            if got["more"] or [a for a in got["actions"] if not a["detail"].startswith("/")]:
                raise SystemExit(f"it found something: {got}"[:2000])
            peer.append(find_cpu(data))
    return whole, peer


def ticks(data):
    """CPU milliseconds of a pass of the timer."""
    each = []
    with start(data, "100ms") as s:
        for _ in range(ROUNDS):
            before, first = cpu_s([s.proc.pid]), passes(s)
            time.sleep(3)
            each.append((cpu_s([s.proc.pid]) - before) / (passes(s) - first) * 1000)
    return each


def main():
    with scratch() as tmp:
        data, project = tmp + "/data", tmp + "/bench"
        os.mkdir(project)
        plant(data, project)
        whole, peer = whole_passes(data)
        all_s, find_s, tick_ms = (statistics.median(x) for x in ([w[0] for w in whole], peer, ticks(data)))
        line("reconcile_all_cpu_s", all_s, find_s, "none", True)
        line("reconcile_tick_cpu_ms", tick_ms, find_s * 1000 / 20, TICK_BAR_MS, tick_ms <= TICK_BAR_MS)
        more(f"{RUNS} kept runs; a whole pass took {statistics.median(w[1] for w in whole):.2f} s")


main()
