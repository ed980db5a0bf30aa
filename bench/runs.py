#!/usr/bin/env python3
"""runs - whole runs through HTTP: how many a second, and what is made durable for each.

  runs_per_s   wrk (C, one thread) keeps 8 connections alive; on each, POST /runs (one step /bin/true, no review) with
               Accept: text/event-stream, read to run.completed "succeeded", and the next. Anything else is an error and
               fails the bench. Server, sandboxes and wrk share the machine. The figure is the median of ROUNDS rounds;
               peer, taken in turn with it: bwrap --unshare-all /bin/true, 8 at a time: bare sandboxes, nothing recorded
  fsyncs       every fsync, fdatasync, syncfs and sync_file_range of the server and its shims, counted by strace over
               20 runs, one after the other: each belongs to the promise named beside it

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import json
import os
import re
import signal
import statistics
import subprocess
import time

from procs import children, scratch
from report import bench, more
from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, SECONDS, AT_ONCE, BAR = 3, 3, 8, 100
COUNTED = 20

# what is synced (by its path) -> whose promise it is
KINDS = [
    (r"sallyport\.db-wal$", "commits", "what a client was told is on disk"),
    (r"sallyport\.db$", "checkpoints", "the log of the database may begin anew"),
    (r"/logs/[0-9.]+\.log$", "step logs", "log and exit record are there before anyone hears of the end"),
    (r"/runs/run_[^/]+(/\.tmp-[0-9a-f]+)?$", "changes", "list and diff are there before a door opens on them"),
    (r"/blobs/", "artifacts", "a final run has its artifacts"),
    (r"/apply(/|$)", "apply", "the journal is there before the project changes"),
    (r"/audit(/|$)", "audit heads", "signed at each pass of the timer: who takes records away from then on is noticed"),
]


def one_run(server):
    server.run("bench", {"argv": ["/bin/true"]})


def load(server, salt, seconds):
    """One round of wrk: runs per second."""
    env = dict(os.environ, BENCH_TOKEN=server.token, BENCH_SALT=salt)
    r = subprocess.run(["wrk", "-t1", f"-c{AT_ONCE}", f"-d{seconds}", "--timeout", "30", "-s", f"{HERE}/runs.lua",
                        "http://" + server.address], env=env, capture_output=True, text=True, check=True)
    d = json.loads(r.stdout.strip().split("\n")[-1])
    if d["bad"] or not d["runs"]:
        raise SystemExit(f"{d['bad']} of {d['runs']} runs failed: {r.stderr}")
    return d["runs"] / d["us"] * 1e6


def bwraps(n=300):
    """Bare sandboxes per second."""
    t = time.monotonic()
    subprocess.run(f"seq {n} | xargs -P {AT_ONCE} -n 1 bwrap --unshare-all --ro-bind / / /bin/true", shell=True,
                   check=True)
    return n / (time.monotonic() - t)


def rate(server):
    load(server, "warm", 1)
    ours, peer = [], []
    for i in range(ROUNDS):
        ours.append(load(server, f"r{i}", SECONDS))
        peer.append(bwraps())
    o, p = statistics.median(ours), statistics.median(peer)
    bench("runs_per_s", f"{o:.0f}/s", f"{p:.0f}/s", f"bwrap --unshare-all /bin/true, {AT_ONCE} at once", o / p, f"{BAR}/s", o >= BAR)


def fsyncs(server, tmp):
    out = f"{tmp}/strace"
    one_run(server)  # now the shim that is copied for each sandbox waits: it is traced, too
    pids = [x for pid in [server.proc.pid, *children(server.proc.pid)] for x in ("-p", str(pid))]
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-y", "-e", "trace=fsync,fdatasync,syncfs,sync_file_range,sync", "-o", out, *pids],
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        for _ in range(COUNTED):
            one_run(server)
        time.sleep(0.2)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    count, total = {}, 0
    for line in open(out, errors="replace"):
        m = re.search(r"\b(?:fsync|fdatasync|syncfs|sync_file_range|sync)\((?:\d+<([^>]*)>)?", line)
        if not m:
            continue
        total += 1
        kind = next((k for k in KINDS if re.search(k[0], m.group(1) or "")), None)
        if kind is None:
            raise SystemExit("a sync that no promise asks for: " + line)
        count[kind] = count.get(kind, 0) + 1
    for k in KINDS:
        if k in count:
            more(f"fsyncs per run: {count[k] / COUNTED:.1f} {k[1]}: {k[2]}")
    return total / COUNTED


def main():
    with scratch() as tmp, Server(f"{tmp}/data") as server:
        os.mkdir(f"{tmp}/bench")
        server.add_project(f"{tmp}/bench")
        rate(server)
        more(f"fsyncs per run, one alone: {fsyncs(server, tmp):.1f}; runs at the same time share their commits")


main()
