#!/usr/bin/env python3
"""queue - what a claim costs while 100,000 runs wait, inside its transaction: CPU time of the writer's thread.

Done by bench/queue_claims.c through src/store's own interface, in three shapes; the peer is the same with 10 to 1,010
runs that wait: a claim must not cost more because others wait.

  queue_claim          one project                                                                     bar: 1 ms (p99)
  queue_claim_many     1,000 projects                                                                  bar: 1 ms (p99)
  queue_claim_blocked  1,000 projects; the oldest half of the runs belong to 400 that are paused or    bar: 1 ms (p99)
                       full, and is passed over at each claim

Prints: BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT; medians, and p99 beside them
"""
import subprocess
import sys

from procs import program
from report import bench, more

ROWS, CLAIMS, BAR_US = 100000, 1000, 1000
SHAPES = [("queue_claim", 1, 0), ("queue_claim_many", 1000, 0), ("queue_claim_blocked", 1000, 400)]


def claims(rows, projects, blocked, n):
    out = subprocess.run([program("queue_claims"), *map(str, (rows, projects, blocked, n))], check=True, capture_output=True, text=True)
    return [int(x) for x in out.stdout.split()]


def main():
    short = False
    few = claims(CLAIMS + 10, 1, 0, CLAIMS)  # ends with 10 that wait
    for name, projects, blocked in SHAPES:
        median, p99, most, whole, whole_p99, _ = claims(ROWS, projects, blocked, CLAIMS)
        ok = p99 <= BAR_US
        short |= not ok
        bench(name, f"{median}us p99={p99}us", f"{few[0]}us p99={few[1]}us", "10 to 1,010 runs wait", median / max(few[0], 1),
              f"{BAR_US}us", ok)
        more(f"at most {most}us; with its own commit {whole}us p99={whole_p99}us")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
