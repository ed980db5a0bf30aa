#!/usr/bin/env python3
"""git - does git inside a step work at normal speed? `git status` in a repository of 30,000 files, in steps of a run and on the
host, in turns; each turn is the median of 9, and each figure the median of the turns.

The bar is on the ratio: at most 3. Every stat goes through the overlay; a uid that is mapped to another one, or the real
core.checkStat, would make each file look changed and read it again (10 times as slow): that is what the bar guards.
"""
import json
import os
import statistics
import subprocess
import sys

from procs import scratch
from report import bench
from server import FINAL, Server

TURNS = int(os.environ.get("BENCH_TURNS", "5"))
BAR = 3
MEASURE = """import subprocess, time, statistics
def one():
    t = time.monotonic()
    out = subprocess.run(["git", "status", "--porcelain"], stdout=subprocess.PIPE, check=True).stdout
    assert out == b"", out[:200]
    return (time.monotonic() - t) * 1000
one()
print("median", statistics.median(one() for _ in range(9)))
"""


def repository(path):
    for d in range(30):
        os.makedirs(f"{path}/d{d}")
        for f in range(1000):
            with open(f"{path}/d{d}/f{f}", "w") as out:
                out.write(f"{d} {f}\n")
    with open(f"{path}/measure.py", "w") as out:
        out.write(MEASURE)
    for args in (["init", "-q"], ["add", "-A"], ["-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "all"],
                 ["status"]):
        subprocess.run(["git", *args], cwd=path, check=True, stdout=subprocess.DEVNULL)


def median_of(text):
    return float(next(x for x in text.split("\n") if x.startswith("median ")).split()[1])


def on_host(path):
    return median_of(subprocess.run(["/usr/bin/python3", "measure.py"], cwd=path, stdout=subprocess.PIPE, check=True, text=True).stdout)


def inside(server):
    """One run, whose changes (git refreshes its index) are dropped."""
    run = server.start("repo", {"argv": ["/usr/bin/python3", "measure.py"]}, review="effects")
    while (r := server.until(run, "awaiting_apply", "awaiting_approval", *FINAL))["state"] not in FINAL:
        if r["state"] == "awaiting_apply":
            server.call("POST", f"/runs/{run}/discard", {})
        else:
            for a in server.call("GET", "/approvals?run_id=" + run)["items"]:
                server.call("POST", "/approvals/" + a["id"], {"decision": "allow"})
    if r["steps"][0]["state"] != "succeeded":
        sys.exit("the step failed: " + json.dumps(r["steps"][0]))
    return median_of(server.fetch("GET", f"/api/v1/steps/{r['steps'][0]['id']}/log", accept="text/plain"))


def main():
    with scratch() as tmp:
        os.environ.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", HOME=tmp)
        repository(f"{tmp}/repo")
        ours, host = [], []
        with Server(f"{tmp}/data") as server:
            server.add_project(f"{tmp}/repo")
            for _ in range(TURNS):
                host.append(on_host(f"{tmp}/repo"))
                ours.append(inside(server))
        a, b = statistics.median(ours), statistics.median(host)
        bench("git_status", f"{a:.1f}ms", f"{b:.1f}ms", "git status on the host", a / b, BAR, a <= BAR * b)


main()
