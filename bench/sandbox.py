#!/usr/bin/env python3
"""sandbox - what a sandbox costs, beside bubblewrap and, where an engine runs, docker.

All of ours is done by bench/sandbox_rounds.c through src/sandbox's own interface with the server's default limits: cgroups,
seccomp, landlock, overlay, log and exit record as in a run. The log is not synced here: the worker does that when it
commits the step's end (bench/runs.py). Peers are started by the same program in turn with ours (A B A B …).

  sandbox_cold   sandbox_open, one step /bin/true, sandbox_destroy     peer: bwrap --unshare-all --ro-bind / / --proc /proc
                                                                       --dev /dev /bin/true, start to reaped; bar: 1.2 x
  sandbox_docker the same                                              peer: docker run --rm --network=none; bar: 1/30
  sandbox_step   one more step in a sandbox that stands                peer: bwrap as above; bar: 0.5 x
  sandbox_rate   sandboxes per second, 8 at once                       peer: bwrap as above; bar: 300
  sandbox_pss    shim and init of an idle sandbox, together            peer: docker's shim, where one runs; bar: 1 MiB
  sandbox_exec   as sandbox_cold, but the shim's program is executed   for comparison; no bar
  sandbox_nolimit as sandbox_cold, without cgroup controllers          for comparison; no bar

Ours makes some twenty files and directories, the peer none, so the file system's own price of a new file is printed
beside them (sandbox_host). ext4 without a journal, which is what many microVMs have, does not use a removed inode again
for five minutes and looks at each of them whenever a file is made (fs/ext4/ialloc.c, recently_deleted): after a test run
that removed thousands of files a new one costs ten times as much for that long, or until the caches are dropped, which
tools/bench does as root.

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT; medians, and p95 beside them
"""
import os
import shutil
import statistics
import subprocess
import sys
import time

from procs import program, pss_kib, scratch, tree
from report import bench, p95

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "300"))
WARM_UP = 10
COLD, BWRAP, STEP, TRUE = range(4)


def ms(values):
    return f"{statistics.median(values):.2f}ms p95={p95(values):.2f}ms"


def measure(tmp, *args, **env):
    out = subprocess.run([program("sandbox_rounds"), *map(str, args), tmp], env={**os.environ, **env}, stdout=subprocess.PIPE,
                         check=True, text=True).stdout
    return [[float(x) for x in row.split()] for row in out.splitlines()]


def rounds(tmp, n, **env):
    rows = measure(tmp, "rounds", n + WARM_UP, **env)[WARM_UP:]
    return [[row[i] / 1000 for row in rows] for i in range(4)]


def ratio_line(name, ours, peer, bar):
    r = statistics.median(ours) / statistics.median(peer)
    bench(name, ms(ours), ms(peer), "bwrap --unshare-all", r, bar and f"{bar}x", bar is None or r <= bar)


def new_file_us(tmp):
    """Median of 100, in a directory of its own."""
    place = os.path.join(tmp, "new")
    os.mkdir(place)
    each = []
    for i in range(100):
        at = time.perf_counter()
        os.close(os.open(os.path.join(place, str(i)), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        each.append(1e6 * (time.perf_counter() - at))
    return statistics.median(each)


def bench_start(tmp):
    t = rounds(tmp, ROUNDS)
    print(f"BENCH sandbox_host a bare posix_spawn of /bin/true: {ms(t[TRUE])}; a new file: {new_file_us(tmp):.0f}us")
    ratio_line("sandbox_cold", t[COLD], t[BWRAP], 1.2)
    ratio_line("sandbox_step", t[STEP], t[BWRAP], 0.5)
    few = max(20, ROUNDS // 3)
    u = rounds(tmp, few, SALLYPORT_BENCH_NURSERY="off")
    ratio_line("sandbox_exec", u[COLD], u[BWRAP], None)
    u = rounds(tmp, few, SALLYPORT_BENCH_LIMITS="none")
    ratio_line("sandbox_nolimit", u[COLD], u[BWRAP], None)
    return t[COLD]


def bench_rate(tmp):
    pairs = [measure(tmp, "rate", 320, 8)[0] for _ in range(3)]
    ours, peer = (statistics.median(x) for x in zip(*pairs))
    bench("sandbox_rate", f"{ours:.0f}/s", f"{peer:.0f}/s", "bwrap --unshare-all, 8 starters", ours / peer, "300/s", ours >= 300)


def bench_pss(tmp):
    p = subprocess.Popen([program("sandbox_rounds"), "idle", tmp], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        shim = int(p.stdout.readline())
        time.sleep(0.2)
        each = [pss_kib([pid]) for pid in tree(shim)]
        docker = [int(x) for x in subprocess.run(["pgrep", "-x", "containerd-shim"], stdout=subprocess.PIPE, text=True).stdout.split()]
        peer = statistics.median(pss_kib([pid]) for pid in docker) if docker else 1024
        whose = "containerd-shim" if docker else "the bar: no containerd-shim runs here"
        mib = sum(each) / 1024
        bench("sandbox_pss", f"{mib:.2f}MiB ({'+'.join(map(str, each))} KiB: shim, init, the next step)", f"{peer / 1024:.2f}MiB", whose,
              sum(each) / peer, "1MiB", mib <= 1)
    finally:
        p.communicate("\n", timeout=20)


def docker_image(tmp):
    """A busybox image, made here; None and the reason when there is no engine, or nothing to make an image of."""
    docker, busybox = shutil.which("docker"), shutil.which("busybox")
    if not docker:
        return None, "no docker command"
    if subprocess.run([docker, "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return None, "no engine answers"
    if not busybox or b"statically linked" not in subprocess.run(["file", busybox], stdout=subprocess.PIPE).stdout:
        return None, "no static busybox to make an image of (apt install busybox-static)"
    os.makedirs(f"{tmp}/image/bin")
    shutil.copy(busybox, f"{tmp}/image/bin/busybox")
    os.symlink("busybox", f"{tmp}/image/bin/true")
    tar = subprocess.run(["tar", "-C", f"{tmp}/image", "-c", "."], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run([docker, "import", "-", "sallyport-bench:1"], input=tar, stdout=subprocess.DEVNULL, check=True)
    return docker, None


def bench_docker(tmp, cold):
    docker, why = docker_image(tmp)
    if not docker:
        print(f"BENCH sandbox_docker skipped: {why}")
        return
    peer = []
    try:
        for _ in range(10):
            t = time.monotonic()
            subprocess.run([docker, "run", "--rm", "--network=none", "sallyport-bench:1", "/bin/true"], check=True)
            peer.append((time.monotonic() - t) * 1000)
    finally:
        subprocess.run([docker, "rmi", "sallyport-bench:1"], stdout=subprocess.DEVNULL)
    r = statistics.median(cold) / statistics.median(peer)
    bench("sandbox_docker", ms(cold), ms(peer), "docker run --rm --network=none", r, "0.033x", r <= 1 / 30)


def pid_into(group, pid):
    t = time.monotonic()
    with open(f"{group}/cgroup.procs", "w") as f:
        f.write(str(pid))
    return (time.monotonic() - t) * 1000


def describe_host():
    """Which cgroups there are, and what moving another process into a v1 group costs: what cgroup.h describes."""
    controllers = []
    try:
        controllers = open("/sys/fs/cgroup/cgroup.controllers").read().split()
    except OSError:
        pass
    kind = "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1"
    print(f"BENCH sandbox_host kernel {os.uname().release}, {os.cpu_count()} processors, cgroup {kind} {' '.join(controllers)}")
    if kind == "v2" or os.geteuid() != 0 or not os.path.isdir("/sys/fs/cgroup/pids"):
        return
    group = f"/sys/fs/cgroup/pids/sallyport-bench-{os.getpid()}"
    child = subprocess.Popen(["sleep", "60"])
    try:
        os.mkdir(group)
        waits = []
        for _ in range(5):
            time.sleep(0.1)
            waits.append(pid_into(group, child.pid))
            pid_into("/sys/fs/cgroup/pids", child.pid)
        print(f"BENCH sandbox_host writing another's pid into a v1 cgroup.procs, system at rest: median {statistics.median(waits):.1f} ms "
              "(an RCU grace period); ours writes into tasks instead")
    except OSError as e:
        print(f"BENCH sandbox_host v1 cgroup.procs not measured: {e}")
    finally:
        child.kill()
        child.wait()
        if os.path.isdir(group):
            os.rmdir(group)


def main():
    if not shutil.which("bwrap"):
        sys.exit("bench/sandbox.py needs bubblewrap: tools/deps")
    # The log and the layers on a disk, not on a tmpfs, as a server has them.
    with scratch("/var/tmp") as tmp:
        describe_host()
        cold = bench_start(tmp)
        bench_rate(tmp)
        bench_pss(tmp)
        bench_docker(tmp, cold)


main()
