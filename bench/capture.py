#!/usr/bin/env python3
"""capture - how fast a step's output becomes a log, beside a plain pipe to a file.

The step is `cat` of a file of log lines, again and again, 1 GiB in all, on stdout. Ours ends with the exit record: every
byte is masked, framed, checksummed and in the log. The time is that from the step's start to that record, by the shim's
clock; starting the sandbox before it and making the log durable after it (the whole run is printed for comparison) is
not in it, as nothing is synced by the peer either. In turn with it, on the same file system: the same cat, `| cat >file`.
Before each, a file of that size is written and removed: neither pays for memory that the host of a virtual machine has
to find first.

  capture_plain    no secret                                          bar: 0.6 x the pipe
  capture_masked   ten secrets, one of them in each 64 KiB            bar: 0.6 x the pipe
  capture_docker   capture_masked                                     peer: docker's json-file, where an engine runs; bar: faster

What is in the log is compared with what was written, once. Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
"""
import datetime
import os
import random
import shutil
import statistics
import struct
import subprocess
import time

from procs import scratch
from report import bench, more
from server import Server

MIB = 1 << 20
TOTAL = int(os.environ.get("BENCH_MIB", "1024"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BLOCK = 32  # MiB: the file that is written again and again
BAR = 0.6
SECRETS = ["hunter2-correct-horse", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "sk-proj-abcdefghijklmnop1234567890", "AKIAIOSFODNN7EXAMPLE",
           "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "postgres://app:pa55w0rd@db.internal/app", "s3cr3t-t0ken", "p@ssw0rd!2024",
           "xoxb-1234-5678-abcdefghij", "glpat-XyZ123456789abcdefgh"]
WORDS = ("compiling src/os/logfile.c warning: unused parameter [-Wunused] test passed 0.012s GET /api/v1/runs 200 INFO main.c:42: the of "
         "error node_modules/ 2026-01-01T00:00:00Z 4096 bytes foo_bar_baz -> ok").split()


def make_block(path):
    """Lines as builds print them, and in each 64 KiB one with a secret."""
    rnd = random.Random(1)
    with open(path, "wb") as f:
        for i in range(BLOCK * 16):
            part = f"token {SECRETS[i % len(SECRETS)]} used\n".encode()
            while len(part) < 65536:
                part += " ".join(rnd.choices(WORDS, k=rnd.randint(3, 14))).encode() + b"\n"
            f.write(part[:65535] + b"\n")


def run(server, argv, env):
    """The log of a run of this one step, and how long the whole run took."""
    t = time.monotonic()
    r = server.start("project", {"argv": argv}, review="none", env=env, limits={"output_bytes": 2 * TOTAL * MIB})
    server.until(r, "succeeded")
    return f"{server.data}/runs/{r}/logs/0.1.log", time.monotonic() - t


def frames(path):
    """(stream, time in us, payload) of each frame: src/os/logfile.h."""
    with open(path, "rb") as f:
        f.read(8)
        while head := f.read(16):
            n, stream, _, _, at = struct.unpack("<IBBHq", head)
            payload = f.read(n)
            f.read(4)
            yield stream, at, payload


def exit_record(path):
    """(seconds from the step's start to this record, bytes of stdout): src/sandbox/spec.h."""
    size = struct.calcsize("<IHHiiII6q256s")
    with open(path, "rb") as f:
        f.seek(-(16 + size + 4), os.SEEK_END)
        at = struct.unpack("<IBBHq", f.read(16))[4]
        x = struct.unpack("<IHHiiII6q256s", f.read(size))
    if x[3] != 0 or x[5] != 0:
        raise SystemExit("the step did not succeed, or its log was cut")
    return (at - x[7]) / 1e6, x[11]


def warm(tmp):
    with open(f"{tmp}/warm", "wb") as f:
        for _ in range(TOTAL):
            f.write(bytes(MIB))
    os.unlink(f"{tmp}/warm")


def pipe(tmp, argv):
    out = f"{tmp}/plain"
    t = time.monotonic()
    with open(out, "wb") as f:
        a = subprocess.Popen(argv, cwd=f"{tmp}/project", stdout=subprocess.PIPE)
        b = subprocess.Popen(["cat"], stdin=a.stdout, stdout=f)
        a.stdout.close()
        if b.wait() or a.wait():
            raise SystemExit("the plain pipe failed")
    t = time.monotonic() - t
    if os.path.getsize(out) != TOTAL * MIB:
        raise SystemExit("the plain pipe lost something")
    os.unlink(out)
    return t


def compare(path, block, masked):
    """Stops when the log is not the output, masked."""
    want = open(block, "rb").read()
    for s in SECRETS if masked else []:
        want = want.replace(s.encode(), b"***")
    got = b"".join(p for stream, _, p in frames(path) if stream == 1)
    if len(got) != len(want) * (TOTAL // BLOCK) or any(got[i:i + len(want)] != want for i in range(0, len(got), len(want))):
        raise SystemExit("the log is not what the step wrote")


def rate(seconds):
    return f"{TOTAL / statistics.median(seconds):.0f}MiB/s"


def line(name, ours, peer, peer_name, bar, text):
    r = statistics.median(peer) / statistics.median(ours)
    bench(name, rate(ours), rate(peer), peer_name, r, text, r >= bar)


def measure(server, tmp, argv, env, first):
    warm(tmp)
    log, whole = run(server, argv, env)
    seconds, size = exit_record(log)
    if size != TOTAL * MIB:
        raise SystemExit(f"{size} bytes were counted")
    if first:
        compare(log, f"{tmp}/project/block", bool(env))
    os.unlink(log)  # a gibibyte each
    return seconds, whole


def docker_image(tmp):
    """An image with cat in it, made here; None and the reason when there is no engine."""
    docker = shutil.which("docker")
    if not docker:
        return None, "no docker command"
    if subprocess.run([docker, "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return None, "no engine answers `docker info`"
    cat = os.path.realpath(shutil.which("cat"))
    libs = [w for w in subprocess.run(["ldd", cat], stdout=subprocess.PIPE, text=True).stdout.split() if w.startswith("/")]
    tar = subprocess.run(["tar", "-chP", "--transform=s,^/,,", cat, *libs], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run([docker, "import", "-", "sallyport-bench-cat:1"], input=tar, stdout=subprocess.DEVNULL, check=True)
    return docker, cat


def json_file(docker, cat, tmp):
    """Seconds from the container's start to its end, for all of it."""
    def ask(*args):
        return subprocess.run([docker, *args], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    part = max(BLOCK, TOTAL // 4)  # it takes its time
    box = ask("run", "-d", "--network=none", "--log-driver=json-file", "-v", f"{tmp}/project:/p:ro", "-w", "/p", "sallyport-bench-cat:1",
              cat, *["block"] * (part // BLOCK))
    try:
        if ask("wait", box) != "0":
            raise SystemExit("docker's step failed")
        times = [datetime.datetime.fromisoformat(x[:26] + "+00:00") for x in
                 ask("inspect", "-f", "{{.State.StartedAt}} {{.State.FinishedAt}}", box).split()]
        return (times[1] - times[0]).total_seconds() * TOTAL / part
    finally:
        ask("rm", "-f", box)


def bench_docker(tmp, ours):
    docker, cat = docker_image(tmp)
    if not docker:
        print(f"BENCH capture_docker skipped: {cat}")
        return
    try:
        peer = [json_file(docker, cat, tmp) for _ in range(3)]
    finally:
        subprocess.run([docker, "rmi", "sallyport-bench-cat:1"], stdout=subprocess.DEVNULL)
    line("capture_docker", ours, peer, "docker run, json-file", 1, "1.0x")


def main():
    argv = ["cat", *["block"] * (TOTAL // BLOCK)]
    env = {f"SECRET_{i}": s for i, s in enumerate(SECRETS)}
    with scratch(os.environ.get("BENCH_DIR")) as tmp:
        os.mkdir(f"{tmp}/project")
        make_block(f"{tmp}/project/block")
        with Server(f"{tmp}/data") as server:
            server.add_project(f"{tmp}/project")
            plain, masked, peer, whole = [], [], [], []
            for i in range(ROUNDS):
                warm(tmp)
                peer.append(pipe(tmp, argv))
                for ours, secrets in ((plain, {}), (masked, env)):
                    seconds, all_of_it = measure(server, tmp, argv, secrets, i == 0)
                    ours.append(seconds)
                    whole.append(all_of_it)
            line("capture_plain", plain, peer, "cat | cat >file", BAR, f"{BAR}x")
            line("capture_masked", masked, peer, "cat | cat >file", BAR, f"{BAR}x")
            more(f"{TOTAL} MiB in {ROUNDS} rounds; whole runs, with the sandbox's start and the log synced: {rate(whole)}")
            bench_docker(tmp, masked)


main()
