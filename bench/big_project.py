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
import os
import resource
import statistics
import subprocess
import sys
import time

from procs import mib, scratch
from report import bench, bench_at_most, more
from server import Server

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


def make(root, dirs, files):
    for d in range(dirs):
        os.makedirs(f"{root}/d{d:02}")
        for f in range(files):
            with open(f"{root}/d{d:02}/f{f}", "w") as out:
                out.write(f"file {d} {f}\n" * 3)


def git(root):
    subprocess.run("git init -q . && git config gc.auto 0 && git config core.fsync none && git add -A && "
                   "git -c user.name=b -c user.email=b@b commit -qm start", shell=True, cwd=root, check=True)


def three_of_many(server):
    names = ["small", "big", "smallgit", "biggit"]
    ms = {n: [] for n in names}
    for i in range(ROUNDS + 2):
        for n in names:
            t, _ = server.run(n, {"command": THREE})
            if i >= 2:
                ms[n].append(t)
    for kind, small, big in (("plain", "small", "big"), ("git", "smallgit", "biggit")):
        s, b = statistics.median(ms[small]), statistics.median(ms[big])
        bench(f"big_{kind}", f"{b - s:+.1f}ms", f"{s:.1f}ms", "the same run in a project of 3 files", b / s, "+100ms", b - s <= 100)


def all_of_many(server, tmp):
    run = server.start("big", {"argv": ["python3", "change.py"]}, review="effects")
    t = time.monotonic()
    server.until(run, "awaiting_apply")
    ours = time.monotonic() - t
    subprocess.run([sys.executable, "change.py"], cwd=f"{tmp}/biggit", check=True)
    t = time.monotonic()
    subprocess.run(f"git add -A && git diff --cached > {tmp}/diff", shell=True, cwd=f"{tmp}/biggit", check=True)
    peer = time.monotonic() - t
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    bench_at_most("many_changes", ours, peer, "git add -A && git diff --cached, without running the step", 60, "s")
    t = time.monotonic()
    server.call("POST", f"/runs/{run}/apply", {})
    server.until(run, "succeeded")
    more(f"many_changes applied, with pre-images synced, in {time.monotonic() - t:.1f} s")
    bench_at_most("many_changes_rss", mib(server.proc.pid, "VmHWM"), rss, "git", 256, "MiB")


def main():
    with scratch() as tmp:
        make(f"{tmp}/small", 1, 3)
        make(f"{tmp}/big", 100, FILES // 100)
        for n in ("small", "big"):
            with open(f"{tmp}/{n}/change.py", "w") as f:
                f.write(CHANGE)
            subprocess.run(["cp", "-a", f"{tmp}/{n}", f"{tmp}/{n}git"], check=True)
            git(f"{tmp}/{n}git")
        with Server(f"{tmp}/data") as server:
            for n in ("small", "big", "smallgit", "biggit"):
                server.add_project(f"{tmp}/{n}")
            three_of_many(server)
            all_of_many(server, tmp)


main()
