"""report - the lines that a bench prints. Standard library only.

    BENCH name ours=… peer=… (peer) ratio=… bar=… ok|SHORT
         more about it, behind five blanks
"""


def bench(name, ours, peer, whose, ratio, bar, ok):
    """ours, peer: as they shall be read. bar None: only a comparison."""
    judged = "" if bar is None else f" bar={bar} {'ok' if ok else 'SHORT'}"
    print(f"BENCH {name} ours={ours} peer={peer} ({whose}) ratio={ratio:.2f}{judged}", flush=True)


def bench_at_most(name, ours, peer, whose, bar, unit):
    """The bar is on our own figure."""
    bench(name, f"{ours:.1f}{unit}", f"{peer:.1f}{unit}", whose, ours / peer, f"{bar}{unit}", ours <= bar)


def more(text):
    print("     " + text, flush=True)


def p95(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
