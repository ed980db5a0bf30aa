"""What must be true when all is over: of each run, of what each subscriber saw, of the store, and of the machine."""
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
from datetime import datetime

from client import log_bytes
from runs import FINAL


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# What becomes of a run whose shim died: while a step ran; while its sandbox was built.
BY_SHIM = {("failed", "lost"), ("failed", "sandbox_failed")}


class Record:
    """A run as the server tells it at the end: its row, the bytes of its logs, its events."""

    def __init__(self, client, run):
        self.row = client.get(f"/runs/{run}")
        self.events = []
        self.logs = {}  # (step, attempt, stream) -> bytes
        cursor = ""
        while True:
            page = client.get(f"/runs/{run}/events?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            for e in page["items"]:
                if e["type"] == "step.log":
                    d = e["data"]
                    key = (d["step_id"], d["attempt"], d["stream"])
                    self.logs.setdefault(key, []).append(log_bytes(d))
                else:
                    self.events.append(e)
            if not page["items"] or page["cursor"] == cursor:
                break
            cursor = page["cursor"]
        self.logs = {k: b"".join(v) for k, v in self.logs.items()}

    def digest(self):
        return {k: (hashlib.sha256(v).hexdigest(), len(v)) for k, v in self.logs.items()}


def raw_log(client, step, stream):
    """The same bytes by the other way: GET /steps/{id}/log."""
    parts, offset = [], 0
    while True:
        page = client.get(f"/steps/{step}/log?stream={stream}&limit=1000000&offset={offset}", )
        parts += [log_bytes(i) for i in page["items"]]
        if page["next_offset"] == offset or page["complete"]:
            return b"".join(parts)
        offset = page["next_offset"]


def lost_allowed(world, job, run):
    """A shim of this run was killed. (Where each shim of a server dies, it may find that this host has no sandboxes.)"""
    return run in world.stats.shims_died


def no_sandbox(world, job, run):
    return any(a <= world.final_at.get(run, 1e18) and b >= job.made[run] for a, b in world.faulty_lives)


def check_output(world, job, run, step, want, logs, say):
    out = want.get("output")
    if out is None or step["state"] == "skipped":
        return
    for stream in ("stdout", "stderr"):
        have = logs.get((step["id"], step["attempt"], stream), b"")
        kept = out.kept[stream]
        whole = not want.get("prefix") and step["state"] != "lost"
        if have != kept if whole else not kept.startswith(have):
            at = next((i for i, (a, b) in enumerate(zip(have, kept)) if a != b), min(len(have), len(kept)))
            say("bytes", f"{run} step {step['index']} {stream}: {len(have)} bytes recorded, {len(kept)} produced, "
                         f"they differ from byte {at} on: {have[at:at + 60]!r} instead of {kept[at:at + 60]!r}")
        if whole and step[f"{stream}_bytes"] != len(out.raw[stream]):
            say("bytes", f"{run} step {step['index']} {stream}: counted {step[stream + '_bytes']}, written {len(out.raw[stream])}")
    world.stats.bytes += sum(len(logs.get((step["id"], step["attempt"], s), b"")) for s in ("stdout", "stderr"))
    world.stats.lines += sum(logs.get((step["id"], step["attempt"], s), b"").count(b"\n") for s in ("stdout", "stderr"))


def check_step(world, job, run, step, want, logs, lost_ok, say):
    if step["state"] == "lost" and lost_ok:
        world.stats.lost += 1
    elif step["state"] == "failed" and lost_ok and (step["error"] or "").startswith("the sandbox"):
        return  # it was not started
    elif step["state"] not in want.get("states", (want.get("state", "succeeded"),)):
        say("step", f"{run} ({job.kind}) step {step['index']} is {step['state']}, should be {want}: {step['error']}")
    else:
        for name in ("exit_code", "signal", "timed_out", "log_truncated"):
            if name in want and step[name] != want[name] and (want[name] or step[name]):
                say("exit", f"{run} ({job.kind}) step {step['index']}: {name} is {step[name]}, should be {want[name]}")
    check_output(world, job, run, step, want, logs, say)


def check_seq(run, events, say):
    numbers = [e["seq"] for e in events]
    if numbers != list(range(1, len(numbers) + 1)):
        say("seq", f"{run}: the numbers of its events are {numbers}")
    if not events or events[-1]["type"] != "run.completed":
        say("seq", f"{run}: its last event is not run.completed")


def check_owed(world, run, record):
    """How long the server took for what waited for nothing but it, on the clock of its lives."""
    steps = {s["id"]: s for s in record.row["steps"]}
    for a, b in zip(record.events, record.events[1:]):
        if a["type"] in ("step.started", "approval.required") or (a["type"] == "run.status" and (a["data"].get("to") or "").startswith("awaiting")):
            continue
        owed = world.server.uptime(when(a["time"]), when(b["time"]))
        world.stats.owed.append((owed, run, f"{a['type']} to {b['type']}"))
    for e in record.events:
        s = steps.get(e.get("step_id")) if e["type"] == "step.finished" else None
        if s and s["finished_at"] and s["started_at"]:
            world.stats.owed.append((world.server.uptime(when(s["finished_at"]), when(e["time"])), run, "end of a step to step.finished"))


def check_run(world, job, run, say):
    record = Record(world.client, run)
    row, lost_ok = record.row, lost_allowed(world, job, run)
    got = (row["state"], row["reason"]["code"] if row["reason"] else None)
    if row["finished_at"]:
        world.final_at[run] = when(row["finished_at"])
        lost_ok = lost_allowed(world, job, run)
    ways = set(job.want[run])
    if row["state"] not in FINAL:
        say("final", f"{run} ({job.kind}) is {row['state']}")
    elif got not in ways and not (getattr(job, "any_reason", False) and row["state"] in {w[0] for w in ways}):
        by_shim = (lost_ok and got in BY_SHIM) or (got == ("failed", "sandbox_unavailable") and no_sandbox(world, job, run))
        lost_ok = lost_ok or by_shim
        late = got == ("expired", "expired") and world.review_s and world.final_at[run] - job.made[run] > world.review_s
        synced = got == ("failed", "io_error") and any(a <= world.final_at.get(run, 1e18) and b >= job.made[run]
                                                       for a, b in world.server.fsync_lives)
        if got == ("failed", "lost") and row["on_lost"] == "retry" and not any(s["attempt"] == 3 for s in row["steps"]):
            say("final", f"{run} ({job.kind}) is lost, and was not tried three times")
        if not by_shim and not late and not synced:
            say("final", f"{run} ({job.kind}) ended as {got}, should be one of {sorted(ways, key=str)}: {row['reason']}")
        if by_shim:
            world.stats.lost_runs += 1
    went_well = got in job.want[run]
    for step in row["steps"]:
        want = job.steps[run].get(step["index"])
        if want and (went_well or step["state"] not in ("skipped", "pending")):
            check_step(world, job, run, step, want, record.logs, lost_ok, say)
        if step["state"] == "lost" and not lost_ok:
            say("lost", f"{run} ({job.kind}) step {step['index']} is lost, and nobody killed its shim")
        if step["attempt"] > 1:
            world.stats.attempts += 1
    check_seq(run, record.events, say)
    check_owed(world, run, record)
    digest = record.digest()
    for seen in world.watched.get(run, []):
        world.stats.watched += 1
        world.stats.breaks += len(seen.breaks)
        for gap in seen.gaps[:3]:
            say("watch", f"{run}: a subscriber saw {gap}; {seen.breaks}")
        if seen.digest() != digest:
            mine, theirs = seen.digest(), digest
            odd = {k: (mine.get(k, (0, 0))[1], theirs.get(k, (0, 0))[1]) for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k)}
            say("watch", f"{run}: a subscriber saw other bytes than were recorded (seen, recorded): {odd}; {seen.breaks}")
        if seen.seq != len(record.events) or seen.final != row["state"]:
            say("watch", f"{run}: a subscriber saw {seen.seq} of {len(record.events)} events, {seen.final}; {seen.breaks}")
    if world.rng.random() < 0.15:
        for step in row["steps"]:
            for stream in ("stdout", "stderr"):
                if raw_log(world.client, step["id"], stream) != record.logs.get((step["id"], step["attempt"], stream), b""):
                    say("bytes", f"{run} step {step['index']}: GET log and the events differ")
    if went_well:
        for of, look in job.later:
            if of == run:
                for text in look():
                    say("effects", f"{run} ({job.kind}): {text}")
    return record


def check_keys(world, say):
    """Requests repeated with their keys: the same run, and no second one."""
    for job in world.jobs:
        for method, path, body, key, run in job.keys:
            if world.rng.random() > world.replays:
                continue
            a = world.client.call(method, path, body, key)
            world.stats.replayed += 1
            if a.status not in (200, 202) or a.json()["id"] != run or a.headers.get("Idempotency-Replayed") != "true":
                say("key", f"{method} {path} with the key of {run} gave {a.status} {a.body[:120]!r}")


def check_store(world, say):
    path = os.path.join(world.server.data, "sallyport.db")
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    one = lambda q: db.execute(q).fetchone()[0]
    if one("pragma integrity_check") != "ok":
        say("store", "the database is damaged")
    made = {r for j in world.jobs for r in j.runs}
    there = {r[0] for r in db.execute("select id from runs")}
    if made != there:
        say("key", f"{len(there)} runs, {len(made)} were accepted: {sorted(there ^ made)[:5]}")
    if one("select count(*) from run_queue"):
        say("store", f"{one('select count(*) from run_queue')} rows are left in the queue")
    gaps = one("select count(*) from (select run_id, count(*) n, max(seq) m from run_events group by run_id having n <> m)")
    if gaps:
        say("seq", f"{gaps} runs have a gap in their events")
    db.close()


def check_audit(world, say):
    out = world.cli("audit", "verify")
    if out.returncode != 0:
        say("audit", f"audit verify: {out.stdout} {out.stderr}")
    records = os.path.join(world.base, "trail.jsonl")
    out = world.cli("audit", "export", "-o", records)
    out = world.cli("audit", "verify", records) if out.returncode == 0 else out
    if out.returncode != 0:
        say("audit", f"audit export and verify: {out.stdout} {out.stderr}")


def processes_of(base):
    mine = {os.getpid(), os.getppid()}
    space = os.readlink("/proc/self/ns/mnt")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode("utf-8", "replace")
            there = base in line or base in os.readlink(f"/proc/{pid}/cwd")
            if not there and os.readlink(f"/proc/{pid}/ns/mnt") != space:
                with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
                    there = base in f.read()
            if there and int(pid) not in mine:
                yield int(pid), line
        except OSError:
            pass


def check_machine(world, say):
    """After the server was stopped: nothing is left."""
    base = world.base
    for pid, line in processes_of(base):
        say("left", f"process {pid} {line[:120]}")
    with open("/proc/mounts", encoding="utf-8") as f:
        for line in f:
            if base in line:
                say("left", f"mount {line.strip()}")
    runs = {r for j in world.jobs for r in j.runs}
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            if name in runs:
                say("left", f"cgroup {folder}/{name}")
    for folder, names, files in os.walk(base):
        for name in names + files:
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                continue
            if stat.S_ISSOCK(mode) or name.startswith((".tmp-", ".sallyport-", ".deep-")) or (name in ("layers", "shim") and folder.startswith(os.path.join(world.server.data, "runs"))):
                say("left", path)
    for name in os.listdir(os.path.join(base, "tmp")):
        say("left", f"{base}/tmp/{name}")


def check_secrets(world, say):
    """No secret is in anything that the server or a shim wrote, but for the key that seals them and the sealed rows."""
    if not world.secrets:
        return
    pattern = os.path.join(world.base, "secrets")
    with open(pattern, "w", encoding="ascii") as f:
        f.write("\n".join(s for s in world.secrets if len(s) >= 20))
    out = subprocess.run(["grep", "-rlaFf", pattern, world.server.data, world.server.log], capture_output=True, text=True, check=False)
    os.unlink(pattern)
    if out.stdout.strip():
        say("secret", f"a secret is in {out.stdout.split()[:5]}")
