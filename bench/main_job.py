#!/usr/bin/env python3
"""main_job - what a person waits for: the server's start, its idle size, one run alone.

Each figure beside a peer on this machine, in this run, taken in turn with it (A B A B …), so a machine that drifts drifts for
both. A bar is on our own figure; the ratio says how we stand to the peer.

  ready        from exec to the first 200 of /readyz            peer: python3 -m http.server, to its first 200
  idle_rss     VmRSS two seconds after it is ready               peer: the same
  run_alone    POST /runs (one step /bin/true, no review) with   peer: bwrap --unshare-all /bin/true, start to reaped:
               Accept: text/event-stream, to run.completed       a bare sandbox, nothing recorded
               with its three artifacts; fsynced: 7 commits (WAL, synchronous=FULL), the step's log, new artifacts

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time

from procs import end, free_port, mib, scratch, spawn, until
from report import bench_at_most, more, p95
from server import Server

RUNS = int(os.environ.get("BENCH_RUNS", "100"))


def get_ok(addr, path):
    c = http.client.HTTPConnection(addr, timeout=5)
    c.request("GET", path)
    ok = c.getresponse().status == 200
    c.close()
    return ok


def until_ok(addr, path):
    until(lambda: get_ok(addr, path), f"{addr}{path}", every=0.0005)


def start_ours(tmp):
    """A fresh data directory each time, as at a first start."""
    t = time.monotonic()
    server = Server(tempfile.mkdtemp(dir=tmp))
    until_ok(server.address, "/readyz")
    return server, (time.monotonic() - t) * 1000


def start_peer(tmp):
    port = free_port()
    t = time.monotonic()
    proc = spawn(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port), cwd=tmp, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL)
    until_ok(f"127.0.0.1:{port}", "/")
    return proc, (time.monotonic() - t) * 1000


def bench_start(tmp):
    ready, peer_ready, rss, peer_rss = [], [], [], []
    for _ in range(7):
        ours, ms = start_ours(tmp)
        peer, peer_ms = start_peer(tmp)
        time.sleep(0.5)
        ready.append(ms)
        peer_ready.append(peer_ms)
        rss.append(mib(ours.proc.pid, "VmRSS"))
        peer_rss.append(mib(peer.pid, "VmRSS"))
        ours.stop()
        end(peer)
    bench_at_most("ready", statistics.median(ready), statistics.median(peer_ready), "python3 -m http.server", 100, "ms")
    bench_at_most("idle_rss", max(rss), max(peer_rss), "python3 -m http.server", 15, "MiB")


def one_run(server):
    ms, completed = server.run("bench", {"argv": ["/bin/true"]})
    if len(completed["artifacts"]) != 3:
        raise SystemExit(f"a run has not its three artifacts: {completed}")
    return ms


def one_bwrap():
    t = time.monotonic()
    subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true"], check=True)
    return (time.monotonic() - t) * 1000


def bench_run(tmp):
    os.mkdir(f"{tmp}/bench")
    with Server(f"{tmp}/data") as server:
        server.add_project(f"{tmp}/bench")
        for _ in range(5):
            one_run(server)
        ours, peer = [], []
        for _ in range(RUNS):
            ours.append(one_run(server))
            peer.append(one_bwrap())
    bench_at_most("run_alone_p95", p95(ours), p95(peer), "bwrap --unshare-all /bin/true", 30, "ms")
    more(f"run_alone median {statistics.median(ours):.1f} ms, bwrap median {statistics.median(peer):.1f} ms")


def main():
    with scratch() as tmp:
        bench_start(tmp)
        bench_run(tmp)


main()
