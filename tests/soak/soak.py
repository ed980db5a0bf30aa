#!/usr/bin/env python3
"""soak - runs of every kind while the server is killed again and again: what it accepted ends, and nothing is lost, repeated or
invented.

  soak.py BUILD [--kills N] [--runs N] [--subscribers N] [--seed S] [--seconds S] [--need-all] [--keep]
  soak.py BUILD --self-test      observations are falsified: each must be noticed

BUILD is a build tree with -Dfaults=true -Dtests=true. Half of the kills are at random instants, half at the points of
src/base/crash_points.def; --need-all goes on until each point was hit, and fails when one is not. The seed decides what the runs
are, where and when the server is killed; when which thread runs is not ours to decide, so a replay is close, not equal.
Ends in `soak: ... 0 violations` and exit 0, or lists them and exits 1. See docs/CONTRIBUTING.md.
"""
import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check
import runs
from client import Client, Events, GaveUp, WsEvents
from server import Killer, Server, placed_points, read_points
from watch import Subscriber

OWED_S = 5.0
REVIEW_S = 25


class Stats:
    def __init__(self):
        self.named_kills = self.random_kills = self.shim_kills = self.shim_point_kills = 0
        self.retried = self.drops = self.breaks = self.watched = self.replayed = self.attempts = 0
        self.lost = self.lost_runs = self.lines = self.bytes = 0
        self.ready, self.owed, self.violations = [], [], []
        self.shims_died = set()  # runs
        self.quiet = False
        self.lock = threading.Lock()

    def violation(self, text, tag="soak"):
        with self.lock:
            self.violations.append((tag, text))
            if len(self.violations) <= 60 and not self.quiet:
                print(f"VIOLATION {tag}: {text}", flush=True)

class Project:
    def __init__(self, root, ident):
        self.root, self.id = root, ident


class World:
    """All that the threads share."""

    def __init__(self, args, base):
        self.args, self.base = args, base
        self.rng = random.Random(args.seed)
        self.stats = Stats()
        for name in ("home", "tmp", "data"):
            os.makedirs(os.path.join(base, name))
        os.chmod(os.path.join(base, "data"), 0o700)
        self.server = Server(args.build, base, ["--workers", "16", "--handlers", "8", "--review-timeout", f"{REVIEW_S}s",
                                                "--reconcile-every", "1s", "--lease", "5s", "--rate", "0", "--max-streams", "2000"])
        self.client = Client(self.server, self.stats)
        self.killer = Killer(self.server, random.Random(args.seed + 1), self.stats)
        self.program = os.path.join(args.build, "tests/soak/produce")
        self.review_s = REVIEW_S
        self.openers = [Events, WsEvents]
        self.projects, self.copied = [], None
        self.jobs, self.secrets, self.open_runs = [], [], set()
        self.watched, self.watchers, self.watch_list = {}, {}, []
        self.faulty_lives, self.final_at = [], {}
        self.replays = 0.5
        self.lock = threading.Condition()
        self.all_made = self.killed = False

    # ---- what the subscribers take their work from

    def runs_made(self, run):
        with self.lock:
            self.watch_list.append(run)
            self.watchers[run] = 0
            self.open_runs.add(run)
            self.lock.notify_all()

    def next_watch(self):
        """The run that is watched by the fewest; None when all is over."""
        with self.lock:
            while True:
                due = [r for r in self.watch_list if self.watchers[r] < self.args.watchers]
                if due:
                    run = min(due, key=lambda r: self.watchers[r])
                    self.watchers[run] += 1
                    return run
                if self.all_made or self.server.quitting:
                    return None
                self.lock.wait(0.5)

    def kill_shim(self, run):
        for of, pid in live_shims(self):
            if of == run:
                kill_shim(self, run, pid)

    def seen(self, seen):
        with self.lock:
            self.watched.setdefault(seen.run, []).append(seen)
            self.open_runs.discard(seen.run)

    def cli(self, *args):
        env = self.server.env((), ())
        env.update(SALLYPORT_DATA=self.server.data, PAGER="cat")
        return subprocess.run([self.server.program, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env,
                              timeout=120, check=False)

    def deal(self, n):
        """More runs: at least --runs, and as many as it takes to keep all busy until the last kill."""
        return deal_kinds(self, runs.deal(n, self.rng))

    # ---- projects

    def make_project(self, name):
        root = os.path.join(self.base, "projects", name)
        os.makedirs(root)
        shutil.copy(self.program, os.path.join(root, "produce"))
        with open(os.path.join(root, "README"), "w", encoding="utf-8") as f:
            f.write("soak\n")
        env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="soak", GIT_AUTHOR_EMAIL="soak@example.org",
                   GIT_COMMITTER_NAME="soak", GIT_COMMITTER_EMAIL="soak@example.org")
        for cmd in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
            subprocess.run(["git", "-C", root, *cmd], check=True, env=env)
        a = self.client.call("POST", "/projects", {"root_path": root, "name": name})
        if a.status != 201:
            raise SystemExit(f"soak: a project cannot be added: {a.body[:300]!r}")
        return Project(root, a.json()["id"])


def drive(world, jobs):
    """One person: a job after the other."""
    while True:
        with world.lock:
            if world.server.quitting or (not jobs and world.killed):
                return
            if not jobs:
                jobs.extend(reversed(world.deal(30)))
            job = jobs.pop()
        try:
            job.play(job)
        except GaveUp as e:
            world.stats.violation(f"{job.kind}: no answer: {e}", "answer")
        except Exception as e:  # pylint: disable=broad-except
            job.error = e
            world.stats.violation(f"{job.kind} {job.runs}: {type(e).__name__}: {e}", "answer")


def chatter(world, stop):
    """Small requests that change what is not a run: projects, policies, tokens."""
    n, client = 0, Client(world.server, world.stats, unix=True)
    try:
        while not stop.is_set():
            n += 1
            root = os.path.join(world.base, "chatter", str(n))
            os.makedirs(root)
            a = client.call("POST", "/projects", {"root_path": root, "name": f"chatter-{n}"})
            if a.status == 201:
                client.call("PUT", f"/projects/{a.json()['id']}/settings", {"seed": "copy"})
                client.call("DELETE", f"/projects/{a.json()['id']}")
            client.call("PUT", "/policy", {"text": client.get("/policy")["text"], "note": f"soak {n}"})
            t = client.call("POST", "/tokens", {"name": f"soak-{n}", "scopes": ["run:read"]})
            if t.status == 201 and t.json()["token"]:
                client.call("GET", "/whoami", token=t.json()["token"])
                client.call("DELETE", f"/tokens/{t.json()['id']}")
            a = client.call("POST", "/login", {"token": client.token()})
            if a.status == 200:
                client.call("POST", "/logout", {}, login=(a.headers["Set-Cookie"].split(";")[0], a.json()["csrf"]))
            client.call("POST", "/queue/pause", {"note": "soak"})
            client.call("POST", "/queue/resume", {})
            client.call("POST", "/reconcile", {})
            stop.wait(0.2)
    except GaveUp:
        pass
    except Exception as e:  # pylint: disable=broad-except
        world.stats.violation(f"{type(e).__name__}: {e}", "answer")


def live_shims(world):
    for run in list(world.open_runs):
        try:
            with open(os.path.join(world.server.data, "runs", run, "shim/pid"), encoding="ascii") as f:
                yield run, int(f.read())
        except (OSError, ValueError):
            pass


def kill_shim(world, run, pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            if not f.read().startswith("sallyport-shim"):
                return
        world.stats.shims_died.add(run)
        os.kill(pid, signal.SIGKILL)
        world.stats.shim_kills += 1
    except OSError:
        pass


def kill_a_shim(world, rng):
    shims = list(live_shims(world))
    if shims:
        kill_shim(world, *rng.choice(shims))


def kill_often(world, drivers):
    """The heart of it. Ends when the kills are done and, with --need-all, each point was hit."""
    args, rng, killer, stats = world.args, random.Random(world.args.seed + 2), world.killer, world.stats
    began = time.time()
    end = began + args.seconds
    while time.time() < end:
        done = stats.named_kills + stats.random_kills
        missing = killer.missing()
        if done >= args.kills and not (args.need_all and missing):
            break
        named = stats.named_kills <= stats.random_kills or (done >= args.kills and any(killer.points[p] == "server" for p in missing))
        shims = [p for p in missing if killer.points[p] == "shim"]
        faulty = rng.random() < (0.02 if not shims else 0.07 if done < args.kills else 0.5)
        at = time.time()
        killer.once(named, faulty)
        if faulty:
            world.faulty_lives.append((at, time.time()))
        if rng.random() < 0.03:
            kill_a_shim(world, rng)
        if args.verbose and done % 50 == 0:
            print(f"# {time.time() - began:.0f} s, {done} kills, {len(missing)} points not hit", flush=True)
    stats.killing_s = time.time() - began


def settle(world, threads, seconds):
    """A server that is left alone carries on what is open."""
    world.server.start()
    if not world.server.wait_up(time.time() + 60):
        world.stats.violation(f"the last server does not come up: see {world.server.log}")
        return
    end = time.time() + seconds
    for t in threads:
        t.join(max(0.1, end - time.time()))
        if t.is_alive():
            world.stats.violation(f"{t.name} did not come to its end within {seconds} s", "final")
            return


def final_checks(world, then=lambda world: None):
    """then(world): what happens when the server is gone, before that is looked at; its result is returned."""
    say = lambda tag, text: world.stats.violation(text, tag)
    for job in world.jobs:
        for run in job.runs:
            try:
                check.check_run(world, job, run, say)
            except GaveUp:
                say("answer", f"{run} cannot be read")
                return
    check.check_keys(world, say)
    check.check_audit(world, say)
    owed = sorted(world.stats.owed)
    for seconds, run, what in owed[-5:]:
        if seconds > OWED_S:
            say("owed", f"{run}: {what} took {seconds:.1f} s of the server's life")
    deadline = time.time() + 20
    while time.time() < deadline and any(True for _ in live_shims(world)):
        time.sleep(0.2)
    time.sleep(1.5)  # the reconciler's turn
    if world.server.stop() != 0:
        say("soak", f"the last server did not stop well: {world.server.process.returncode}")
    did = then(world)
    check.check_store(world, say)
    check.check_secrets(world, say)
    check.check_machine(world, say)
    with open(world.server.log, "rb") as f:
        for line in f:
            if b"Sanitizer" in line or b"runtime error" in line:
                say("soak", line.decode("utf-8", "replace").strip())
    return did


def points_agree(stats):
    listed, placed = set(read_points()), placed_points()
    for name in sorted(placed - listed):
        stats.violation(f"{name} is in src/ and not in crash_points.def", "points")
    for name in sorted(listed - placed):
        stats.violation(f"{name} is in crash_points.def and not in src/", "points")


def set_up(world):
    os.makedirs(os.path.join(world.base, "projects"))
    world.server.start()
    if not world.server.wait_up(time.time() + 60):
        raise SystemExit(f"soak: the server does not come up; see {world.server.log}")
    world.projects = [world.make_project(f"p{i}") for i in range(3)]
    world.copied = world.make_project("copied")
    world.client.call("PUT", f"/projects/{world.copied.id}/settings", {"seed": "copy"})


def play(world):
    queue = list(reversed(world.deal(world.args.runs)))
    drivers = [threading.Thread(target=drive, args=(world, queue), name=f"person-{i}", daemon=True) for i in range(world.args.persons)]
    watchers = [Subscriber(world, i, random.Random(world.args.seed * 7 + i)) for i in range(world.args.subscribers)]
    quiet = threading.Event()
    talk = threading.Thread(target=chatter, args=(world, quiet), name="chatter", daemon=True)
    for t in [*drivers, *watchers, talk]:
        t.start()
    world.server.kill()
    kill_often(world, drivers)
    quiet.set()
    world.killed = True
    settle(world, [*drivers, talk], world.args.settle)
    with world.lock:
        world.all_made = True
        world.lock.notify_all()
    end = time.time() + 60
    for t in watchers:
        t.join(max(0.1, end - time.time()))
        if t.is_alive():
            world.stats.violation(f"{t.name} did not see the end of its run within 60 s", "watch")


def report(world, seconds):
    s, hits = world.stats, world.killer.hits
    states = {}
    for job in world.jobs:
        for run in job.runs:
            states[job.kind] = states.get(job.kind, 0) + 1
    owed = sorted(o[0] for o in s.owed) or [0]
    ready = sorted(s.ready) or [0]
    missing = world.killer.missing()
    print(f"points hit: {sum(1 for n in hits.values() if n)} of {len(hits)}, {len(missing)} of which should be hit here are not")
    for p in sorted(hits):
        print(f"  {hits[p]:4} {p}")
    if missing:
        print(f"not hit: {' '.join(missing)}")
    if world.args.need_all:
        for p in missing:
            s.violation(f"{p} was never reached", "points")
    print("runs: " + ", ".join(f"{n} {k}" for k, n in sorted(states.items())))
    print(f"kills: {s.random_kills} at random instants, {s.named_kills} at named points; shims: {s.shim_kills} killed, "
          f"{s.shim_point_kills} at named points; steps lost by that: {s.lost}, "
          f"run again: {s.attempts}, runs ended by that: {s.lost_runs}")
    print(f"requests repeated: {s.retried}; keys used again at the end: {s.replayed}")
    print(f"subscribers: {world.args.subscribers} saw {s.watched} whole streams, dropped {s.drops} times, {s.breaks} breaks in all")
    print(f"recorded: {s.lines} lines, {s.bytes} bytes")
    print(f"start to ready: median {ready[len(ready) // 2] * 1000:.0f} ms, most {ready[-1] * 1000:.0f} ms; owed by the server: median "
          f"{owed[len(owed) // 2] * 1000:.0f} ms, p99 {owed[len(owed) * 99 // 100] * 1000:.0f} ms, most {owed[-1]:.2f} s of its life")
    n = sum(len(j.runs) for j in world.jobs)
    print(f"soak: seed {world.args.seed}, {n} runs, {s.random_kills + s.named_kills} kills in {getattr(s, 'killing_s', 0):.0f} s, "
          f"{seconds:.0f} s in all, {len(s.violations)} violations")


# ---- the soak itself is tested -------------------------------------------------


class Bent:
    """A subscriber's connection that lies in one way about the output of the run it follows."""

    def __init__(self, events, how):
        self.events, self.how, self.held, self.done, self.status = events, how, None, False, events.status

    def next(self):
        if self.held:
            item, self.held = self.held, None
            return item
        item = self.events.next()
        if self.done or not item or item[1]["type"] != "step.log" or item[1]["data"]["stream"] == "system":
            return item
        self.done = True
        if self.how == "lose":
            return self.events.next()
        if self.how == "repeat":
            self.held = item
        if self.how == "change":
            data = item[1]["data"]
            data["text"] = data["text"].replace("o", "0", 1) if "o" in data.get("text", "") else "x"
        return item

    def close(self):
        self.events.close()


def went_well(world, job):
    """Of a run that was lost with its shim, less is looked at."""
    row = world.client.get(f"/runs/{job.runs[0]}")
    return (row["state"], row["reason"]["code"] if row["reason"] else None) in job.want[job.runs[0]]


def undisturbed(world, kind):
    """One more job, now that nothing is killed any more."""
    job = deal_kinds(world, [kind])[0]
    job.play(job)
    job.wait(job.runs[0], runs.FINAL)
    return job


def falsify(world):
    """One falsified observation for each thing that the checks promise to see: (tag, what was done)."""
    done, whole = [], [j for j in world.jobs if j.kind == "short" and went_well(world, j)]
    for how in ("lose", "repeat", "change"):
        run = whole.pop().runs[0]
        seen = world.watched[run][0].__class__(run)
        bent = Bent(Events(world.client, run, None), how)
        while not seen.final:
            seen.take(*bent.next())
        bent.close()
        world.watched[run] = [seen]
        done.append(("watch", run, f"a subscriber is made to {how} a line"))
    job = whole.pop()
    world.watched[job.runs[0]][0].seq += 1
    done.append(("watch", job.runs[0], "an event more"))
    job = whole.pop()
    job.steps[job.runs[0]][0]["exit_code"] = 3
    done.append(("exit", job.runs[0], "another exit code"))
    job = whole.pop()
    job.steps[job.runs[0]][0]["output"] = runs.Known(b"never written")
    done.append(("bytes", job.runs[0], "other output"))
    job = whole.pop()
    job.want[job.runs[0]] = {("canceled", "canceled_by_user")}
    done.append(("final", job.runs[0], "another end"))
    a = world.client.call("POST", "/runs", {"project_id": "p0", "steps": [{"command": "true"}], "review": "none"})
    done.append(("key", a.json()["id"], "a run that nobody asked for"))
    job = undisturbed(world, runs.doors)
    with open(job.file(f"door-{job.number}.txt"), "a", encoding="utf-8") as f:
        f.write("x")
    done.append(("effects", job.runs[0], "another file in the project"))
    return done


def leave_behind(world):
    """And for what is looked at when the server is gone."""
    db = sqlite3.connect(os.path.join(world.server.data, "sallyport.db"))
    run = world.jobs[0].runs[0]
    db.execute("update run_events set seq = seq + 1 where run_id = ? and seq = (select max(seq) from run_events where run_id = ?)", (run, run))
    db.commit()
    db.close()
    path = os.path.join(world.server.data, ".tmp-x")
    with open(path, "w", encoding="ascii") as f:
        f.write("a secret that was masked")
    world.secrets.append("a secret that was masked")
    left = subprocess.Popen(["sleep", "60"], cwd=world.base)
    return left, [("seq", "gap", "an event's number"), ("left", path, "a temporary file"), ("secret", path, "a secret in it"),
                  ("left", f"process {left.pid}", "a process")]


def self_test(world):
    """A small soak, in which observations are falsified: each must be called, and nothing else."""
    set_up(world)
    world.deal = lambda n, deal=world.deal: deal_kinds(world, [runs.short] * 9 + [runs.doors, runs.secrets] if n > 30 else [runs.short] * 4)
    play(world)
    world.stats.quiet = True
    done = falsify(world)
    time.sleep(1)
    left, more = final_checks(world, leave_behind)
    left.kill()
    left.wait()
    done += more
    bad = 0
    for tag, word, what in done:
        seen = [v for v in world.stats.violations if v[0] == tag and word in v[1]]
        print(f"{'ok' if seen else 'not ok'} {what}: {seen[0][1][:100] if seen else 'nobody noticed'}")
        bad += not seen
    others = [v for v in world.stats.violations if not any(v[0] == tag and word in v[1] for tag, word, _ in done)]
    for tag, text in others:
        print(f"not ok {tag}: {text}")
    print(f"soak: self-test, {len(done) - bad} of {len(done)} falsified observations noticed, {len(others)} others")
    world.stats.violations = others + [()] * bad
    return


def deal_kinds(world, kinds):
    hand = []
    for kind in kinds:
        job = runs.Job(world, len(world.jobs), kind.__name__, random.Random(world.args.seed * 1000003 + len(world.jobs)))
        job.play = kind
        world.jobs.append(job)
        hand.append(job)
    return hand


def take_down(world):
    world.server.quitting = True
    if world.server.process and world.server.process.poll() is None:
        world.server.kill()
    for pid, _ in list(check.processes_of(world.base)):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--runs", type=int, default=200, help="at least; more while the server is being killed")
    p.add_argument("--subscribers", type=int, default=50)
    p.add_argument("--watchers", type=int, default=2, help="subscribers for each run")
    p.add_argument("--persons", type=int, default=14)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--seconds", type=int, default=3000, help="the killing ends after this at the latest")
    p.add_argument("--settle", type=int, default=180)
    p.add_argument("--need-all", action="store_true")
    p.add_argument("--keep", action="store_true")
    p.add_argument("--self-test", action="store_true")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    if args.self_test:
        args.kills, args.runs, args.subscribers, args.persons = 6, 40, 6, 6
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1, 10 ** 9)
    print(f"soak: seed {args.seed}, {args.runs} runs, {args.kills} kills", flush=True)
    base = os.path.realpath(tempfile.mkdtemp(prefix="sallyport-soak.", dir="/var/tmp"))
    world, began = World(args, base), time.time()
    try:
        if args.self_test:
            self_test(world)
            return 1 if world.stats.violations else 0
        points_agree(world.stats)
        set_up(world)
        play(world)
        final_checks(world)
        report(world, time.time() - began)
    finally:
        take_down(world)
        if args.keep or (world.stats.violations and not os.environ.get("SOAK_CLEAN")):
            print(f"kept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
    return 1 if world.stats.violations else 0


if __name__ == "__main__":
    sys.exit(main())
