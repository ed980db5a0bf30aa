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
RUNS = int(os.environ.get("BENCH_RUNS", "100"))


def line(name, ours, peer, peer_name, bar, unit):
    ok = "ok" if ours <= bar else "SHORT"
    print(f"BENCH {name} ours={ours:.1f}{unit} peer={peer:.1f}{unit} ({peer_name}) ratio={ours / peer:.2f} "
          f"bar={bar}{unit} {ok}", flush=True)


def p95(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) / 1024


def stop(proc):
    proc.send_signal(signal.SIGTERM)
    proc.wait(30)


def until(fn, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            r = fn()
            if r:
                return r
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.0005)
    raise SystemExit("it did not become ready")


def get_ok(addr, path):
    c = http.client.HTTPConnection(addr, timeout=5)
    c.request("GET", path)
    ok = c.getresponse().status == 200
    c.close()
    return ok


def start_ours(tmp):
    """A fresh data directory each time, as at a first start."""
    data = tempfile.mkdtemp(dir=tmp)
    t = time.monotonic()
    proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error", "--rate", "0"],
                            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    addr = until(lambda: os.path.exists(f"{data}/address") and open(f"{data}/address").read().strip()[7:])
    until(lambda: get_ok(addr, "/readyz"))
    return proc, data, addr, (time.monotonic() - t) * 1000


def start_peer(tmp, port):
    t = time.monotonic()
    proc = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], cwd=tmp,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: get_ok(f"127.0.0.1:{port}", "/"))
    return proc, (time.monotonic() - t) * 1000


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bench_start(tmp):
    ready, peer_ready, rss, peer_rss = [], [], [], []
    for _ in range(7):
        ours, _, _, ms = start_ours(tmp)
        peer, peer_ms = start_peer(tmp, free_port())
        time.sleep(0.5)
        ready.append(ms)
        peer_ready.append(peer_ms)
        rss.append(rss_mib(ours.pid))
        peer_rss.append(rss_mib(peer.pid))
        stop(ours)
        peer.kill()
        peer.wait()
    line("ready", statistics.median(ready), statistics.median(peer_ready), "python3 -m http.server", 100, "ms")
    line("idle_rss", max(rss), max(peer_rss), "python3 -m http.server", 15, "MiB")


def one_run(addr, token, n):
    body = json.dumps({"project_id": "bench", "steps": [{"argv": ["/bin/true"]}], "review": "none"})
    t = time.monotonic()
    c = http.client.HTTPConnection(addr, timeout=60)
    c.request("POST", "/api/v1/runs", body, {"Authorization": "Bearer " + token, "Content-Type": "application/json",
                                             "Idempotency-Key": f"bench-{n}", "Accept": "text/event-stream"})
    text = c.getresponse().read().decode()
    ms = (time.monotonic() - t) * 1000
    c.close()
    done = [json.loads(x[6:]) for x in text.split("\n") if x.startswith("data: ") and '"run.completed"' in x]
    if not done or done[0]["data"]["state"] != "succeeded" or len(done[0]["data"]["artifacts"]) != 3:
        raise SystemExit("a run did not succeed: " + text[-500:])
    return ms


def one_bwrap():
    t = time.monotonic()
    subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true"], check=True)
    return (time.monotonic() - t) * 1000


def bench_run(tmp):
    proc, data, addr, _ = start_ours(tmp)
    try:
        token = open(f"{data}/admin-token").read().strip()
        os.mkdir(f"{tmp}/bench")
        c = http.client.HTTPConnection(addr)
        c.request("POST", "/api/v1/projects", json.dumps({"root_path": f"{tmp}/bench"}),
                  {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Idempotency-Key": "project"})
        if c.getresponse().status != 201:
            raise SystemExit("the project was not added")
        for i in range(5):
            one_run(addr, token, f"warm-{i}")
        ours, peer = [], []
        for i in range(RUNS):
            ours.append(one_run(addr, token, i))
            peer.append(one_bwrap())
        line("run_alone_p95", p95(ours), p95(peer), "bwrap --unshare-all /bin/true", 30, "ms")
        print(f"     run_alone median {statistics.median(ours):.1f} ms, bwrap median {statistics.median(peer):.1f} ms")
    finally:
        stop(proc)


def main():
    tmp = tempfile.mkdtemp(prefix="sallyport-bench.")
    try:
        bench_start(tmp)
        bench_run(tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


main()
