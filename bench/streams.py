#!/usr/bin/env python3
"""streams - event streams to many clients: fan-out, replay, and what an idle client costs.

One server on core 0 (with its shim and the step that prints), the clients (stream_load, one thread of C) on core 1. Each
client checks the number in every message: all of them, once, in order, or the bench fails. A delay is from the moment the
step was due to print the line (100 and 10 lines a second) to the client's recv, so it holds the pipe, the shim, the log,
the store and the socket. The peers are given messages of the same size by POST, on the same cores, in turn with ours:

  fanout_sse   1,000 clients of one run, 100 lines/s: 100,000 messages/s     peer: nginx with nchan, EventSource
  fanout_ws    the same over WebSocket                                       peers: nginx with nchan; Node with `ws`
  calm_sse/ws  10 lines/s: 10,000 messages/s. At least 200 lines: of fewer, the slowest hundredth of all messages is one line
  replay       a finished run, 256 MiB of output, one client, bytes of output per second
                                                                             peer: nginx sends a file of what we sent
  idle_sse/ws  PSS of the server per client, 5,000 idle ones                 peer: nchan (shared memory and all)

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from procs import cpu_s, end, free_port, program, pss_kib, scratch, spawn, tree, until
from report import bench, more
from server import Server

EMIT = program("stream_emit")
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLIENTS, IDLE, LINE, LINES = 1000, 5000, 200, 200
MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"


def listening(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def lines(rate):
    return max(rate * SECONDS, LINES)


class Load:
    """stream_load: ready when made; result() waits for its report."""

    def __init__(self, port, clients, messages, seconds, request, frames=()):
        self.proc = spawn(program("stream_load"), str(port), str(clients), str(messages), str(seconds), request, *frames, core=1,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.proc.stdout.readline() != "ready\n":
            raise SystemExit("the clients did not connect")

    def result(self):
        r = json.loads(self.proc.stdout.readline())
        self.proc.wait(30)
        return r

    def end(self):
        self.proc.stdin.close()
        return self.result()


class Ours(Server):
    name = "sallyport"

    def __init__(self, tmp):
        project = f"{tmp}/project"
        os.mkdir(project)
        shutil.copy(EMIT, f"{project}/emit")
        super().__init__(f"{tmp}/data", "--max-connections", "6000", "--max-streams", "6000", "--max-ws-per-token", "6000",
                         "--max-sse-per-token", "6000", core=0)
        self.add_project(project)

    def wait(self, argv, **more):
        """A run that waits for its review."""
        run = self.start("project", {"argv": argv}, review="plan", **more)
        self.until(run, "awaiting_review")
        return run

    def approve(self, run):
        self.call("POST", f"/runs/{run}/approve", {})

    def clients(self, kind, run, clients, messages, seconds):
        head = f"Host: localhost\r\nAuthorization: Bearer {self.token}\r\n"
        if kind == "sse":
            return Load(self.port, clients, messages, seconds, f"GET /api/v1/runs/{run}/events HTTP/1.1\r\n{head}\r\n")
        ask = [{"type": "req", "id": "1", "method": "connect", "params": {"protocol": {"min": 1, "max": 1}}},
               {"type": "req", "id": "2", "method": "subscribe", "params": {"run_id": run}}]
        return Load(self.port, clients, messages, seconds, "GET /api/v1/ws HTTP/1.1\r\n" + head + upgrade(), map(json.dumps, ask))

    def fanout(self, kind, rate, size):
        count = lines(rate)
        run = self.wait(["/workspace/emit", str(rate), str(count), str(size)])
        load = self.clients(kind, run, CLIENTS, count, count // rate + 20)
        time.sleep(1)  # they have read what was before
        before = cpu_s([self.proc.pid])
        self.approve(run)
        r = load.result()
        r["server_cpu"] = (cpu_s([self.proc.pid]) - before) / max(r["seconds"], 0.001)
        self.until(run, "succeeded")
        return r

    def idle(self, kind):
        run = self.wait(["/bin/true"])
        warm = self.clients(kind, run, 50, 0, 0)
        warm.end()
        time.sleep(1)
        before = pss_kib([self.proc.pid])
        load = self.clients(kind, run, IDLE, 0, 0)
        time.sleep(2)
        after = pss_kib([self.proc.pid])
        load.end()
        self.call("POST", f"/runs/{run}/cancel", {})
        return (after - before) / IDLE


def upgrade():
    return ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class Peer:
    """Somebody to whom messages are POSTed at /pub, and who sends each to all clients of /sub."""
    port = 0
    proc = None

    def clients(self, kind, clients, messages, seconds):
        head = "GET /sub HTTP/1.1\r\nHost: localhost\r\n"
        head += "Accept: text/event-stream\r\n\r\n" if kind == "sse" else upgrade()
        return Load(self.port, clients, messages, seconds, head)

    def fanout(self, kind, rate, size):
        count = lines(rate)
        load = self.clients(kind, CLIENTS, count, count // rate + 20)
        pids = tree(self.proc.pid)
        before = cpu_s(pids)
        emit = spawn(EMIT, str(rate), str(count), str(size), str(self.port), "/pub", core=1)
        r = load.result()
        r["server_cpu"] = (cpu_s(pids) - before) / max(r["seconds"], 0.001)
        emit.kill()
        emit.wait()
        return r

    def idle(self, kind):
        self.clients(kind, 50, 0, 0).end()
        time.sleep(1)
        before = pss_kib(tree(self.proc.pid))
        load = self.clients(kind, IDLE, 0, 0)
        time.sleep(2)
        after = pss_kib(tree(self.proc.pid))
        load.end()
        return (after - before) / IDLE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.proc)


class Nchan(Peer):
    name = "nginx with nchan"

    def __init__(self, tmp):
        self.port = free_port()
        conf = f"{tmp}/nginx.conf"
        with open(conf, "w") as f:
            f.write(f"""load_module {MODULE};
daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err; worker_rlimit_nofile 8192;
events {{ worker_connections 6000; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000; client_body_temp_path {tmp}/body; proxy_temp_path {tmp}/proxy;
  fastcgi_temp_path {tmp}/fcgi; uwsgi_temp_path {tmp}/uwsgi; scgi_temp_path {tmp}/scgi; nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location = /pub {{ nchan_publisher; nchan_channel_id run; nchan_message_buffer_length 1000; }}
    location = /sub {{ nchan_subscriber eventsource websocket; nchan_channel_id run; nchan_subscriber_first_message newest; }}
    location /file {{ alias {tmp}/file; }}
  }}
}}
""")
        self.proc = spawn("nginx", "-c", conf, "-e", f"{tmp}/nginx.err", core=0)
        until(lambda: listening(self.port), "nginx")


class NodeWs(Peer):
    name = "Node ws"
    SCRIPT = """
const http = require('http'), {WebSocketServer} = require('ws');
const server = http.createServer((rq, rs) => {
  let b = ''; rq.setEncoding('utf8'); rq.on('data', d => b += d);
  rq.on('end', () => { for (const c of wss.clients) c.send(b); rs.end('ok'); });
});
const wss = new WebSocketServer({server, perMessageDeflate: false});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
"""

    def __init__(self, tmp):
        self.port = free_port()
        home = f"{tmp}/node"
        os.mkdir(home)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", home, "ws"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with open(f"{home}/server.js", "w") as f:
            f.write(self.SCRIPT)
        self.proc = spawn("node", f"{home}/server.js", str(self.port), core=0)
        until(lambda: listening(self.port), "node")


def check(who, r):
    """Every client has every message, once and in order."""
    if r["lost"] or r["again"] or r["broken"] or r["done"] != r["clients"]:
        return f"{who}: lost {r['lost']}, repeated {r['again']}, cut off {r['broken']}, complete {r['done']} of {r['clients']}"
    return None


def say(name, kind, rate, bar_ms, peers, ours):
    size = 0
    rounds = {p: [] for p in [ours, *peers]}
    for _ in range(ROUNDS):
        for p in rounds:
            r = p.fanout(kind, rate, size or LINE)
            bad = check(p.name, r)
            if bad and p is ours:
                raise SystemExit(f"{name}: {bad}")
            if not bad:
                rounds[p].append(r)
            else:
                more(f"{name}: {bad}")
            if p is ours:
                size = max(64, r["bytes"] // r["got"] - 40)  # the peers' messages are as large on the wire as ours
    def median(p, key):
        return statistics.median(r[key] for r in rounds[p]) if rounds[p] else float("nan")
    for p in rounds:
        more(f"{name}: {p.name}: p50 {median(p, 'p50_ms'):.1f} ms, p99 {median(p, 'p99_ms'):.1f} ms, "
             f"{median(p, 'rate'):.0f} messages/s, {median(p, 'bytes') / max(1, median(p, 'got')):.0f} bytes each, "
             f"server cpu {median(p, 'server_cpu') * 100:.0f} %, clients' cpu {median(p, 'cpu') * 100:.0f} %"
             f"{' (the clients are the limit)' if median(p, 'cpu') > 0.95 else ''}")
    o = median(ours, "p99_ms")
    done = [p for p in peers if rounds[p]]
    best = min(done, key=lambda p: median(p, "p99_ms")) if done else None
    b = median(best, "p99_ms") if best else float("nan")
    fast = median(ours, "rate") >= 0.98 * rate * CLIENTS * (1 - 1 / lines(rate))
    slower = name.startswith("calm") and best and o > b * 1.1
    bench(name, f"{o:.1f}ms", f"{b:.1f}ms", best.name if best else "no peer", o / b, f"{bar_ms}ms",
          o <= bar_ms and fast and not slower)


def read_all(port, path, head=""):
    """Seconds to take a whole answer, and its bytes; by one C client that does nothing else."""
    t = time.monotonic()
    out = subprocess.run(["taskset", "-c", "1", "curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                          f"http://127.0.0.1:{port}{path}", *head], capture_output=True, text=True, check=True)
    return time.monotonic() - t, int(out.stdout)


def replay(ours, nchan, tmp):
    for name, argv, mib, bar in (
            ("replay", ["/bin/sh", "-c", "yes 'The quick brown fox jumps over the lazy dog, 0123456789' | head -c 268435456"], 256, 150),
            ("replay_lines", ["/workspace/emit", "1000000", "200000", "128"], 200000 * 128 / 2**20, None)):
        run = ours.wait(argv, limits={"output_bytes": 512 << 20})
        ours.approve(run)
        ours.until(run, "succeeded")
        path, head = f"/api/v1/runs/{run}/events", ["-H", "Authorization: Bearer " + ours.token]
        took, peer, size = [], [], 0
        for _ in range(ROUNDS):
            s, size = read_all(ours.port, path, head)
            took.append(s)
            with open(f"{tmp}/file", "wb") as f:
                f.truncate(size)
            peer.append(read_all(nchan.port, "/file")[0])
        mb = mib * 2**20 / 1e6 / statistics.median(took)
        wire = size / 1e6 / statistics.median(took)
        other = mib * 2**20 / 1e6 / statistics.median(peer)
        more(f"{name}: {mib:.0f} MiB of output, {size / 2**20:.0f} MiB on the wire at {wire:.0f} MB/s")
        bench(name, f"{mb:.0f}MB/s", f"{other:.0f}MB/s", "nginx sends a file of as many bytes", mb / other,
              f"{bar}MB/s" if bar else "none", not bar or mb >= bar)


def idle(kind, tmp, bar):
    """In fresh servers: memory that was used before would hide what is needed now."""
    figures = []
    for make in (Ours, Nchan):
        with make(tempfile.mkdtemp(dir=tmp)) as p:
            figures.append(p.idle(kind))
    o, p = figures
    bench(f"idle_{kind}", f"{o:.2f}KiB", f"{p:.2f}KiB", f"nginx with nchan, per client at {IDLE}", o / p, f"{bar}KiB", o <= bar)


def main():
    only = sys.argv[1:] or os.environ.get("BENCH_STREAMS", "fanout calm replay idle").split()
    kinds = os.environ.get("BENCH_KINDS", "sse ws").split()
    with scratch() as tmp, contextlib.ExitStack() as up:
        ours, nchan = up.enter_context(Ours(tmp)), up.enter_context(Nchan(tmp))
        node = [up.enter_context(NodeWs(tmp))] if "ws" in kinds else []
        warm = ours.wait(["/workspace/emit", "100", "100", str(LINE)])
        ours.approve(warm)
        ours.until(warm, "succeeded")
        for kind in kinds:
            peers = [nchan] + (node if kind == "ws" else [])
            if "fanout" in only:
                say(f"fanout_{kind}", kind, 100, 50, peers, ours)
            if "calm" in only:
                say(f"calm_{kind}", kind, 10, 10, peers, ours)
            if "idle" in only:
                idle(kind, tmp, {"sse": 3, "ws": 8}[kind])
        if "replay" in only:
            replay(ours, nchan, tmp)


main()
