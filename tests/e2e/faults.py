#!/usr/bin/env python3
"""faults - the main job with one failure in it, many times: each allocation, write, fsync, fork, clone, mount ... in turn.

A build with -Dfaults=true counts these calls of server, shim, init and command line on a board (src/base/fault_board.h) and
fails the one that it is told to. Here a run is made without failures first, which says how many calls of each class there
are; then one run after the other has its k-th call of a class fail, for k spread over all of them. The job: add a run with
a secret, approve its plan, two steps, apply its changes, undo them. After each:

  * the run is final, after at most one restart of the server; no answer blames the client
  * a step that succeeded has exit code 0 and its whole output, byte for byte; one that failed says why
  * the project is as before or as after, as the run's record says: never between
  * the audit chain verifies; every log and artifact can be read; the secret is nowhere
  * after a stop: no process, mount, cgroup, layer, or temporary name is left; no sanitizer spoke

    FAULTS_SECONDS=75    how long (tests/e2e/faults.sh in make check); FAULTS_ALL=1: every k up to 400 a class (make faults)
    FAULTS_SEED=N        the order and the choice; printed. 1 in make check
    FAULTS_ONLY=shim/alloc:17  one of them again, or a class
"""
import collections
import http.client
import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

SALLYPORT = os.environ["SALLYPORT"]
T = os.environ["T"]  # a directory of our own
SECONDS = float(os.environ.get("FAULTS_SECONDS", "75"))
ALL = os.environ.get("FAULTS_ALL") == "1"
ONLY = os.environ.get("FAULTS_ONLY", "")
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(1 << 30))
CLASSES = ["alloc", "write", "fsync", "open", "name", "fork", "clone", "mount", "busy", "full", "ioerr", "nomem"]
ROLES = ["server", "shim", "init", "cli"]
SECRET = "hunter2-correct-horse-battery"
FINAL = ("succeeded", "failed", "rejected", "canceled", "expired")
PER_BATCH = 12  # runs between two stops of the server
PATIENCE = 8    # seconds without a change before the server is restarted

STEPS = [f"echo begun; echo token {SECRET} >&2; echo more >> a.txt; echo new > b.txt; rm c.txt; mkdir d; echo deep > d/e.txt",
         "for i in $(seq 1 200); do echo line $i; echo LINE $i >&2; done"]
OUTPUT = [{"stdout": "begun\n", "stderr": "token ***\n"},
          {"stdout": "".join(f"line {i}\n" for i in range(1, 201)), "stderr": "".join(f"LINE {i}\n" for i in range(1, 201))}]
BEFORE = {"a.txt": "a\n", "c.txt": "c\n"}
AFTER = {"a.txt": "a\nmore\n", "b.txt": "new\n", "d/e.txt": "deep\n"}


class Board:
    SLOT = struct.Struct("32s4QQq")

    def __init__(self, path):
        self.names = [f"{r}/{c}" for r in ROLES for c in CLASSES]
        with open(path, "wb") as f:
            f.write(self.SLOT.pack(b"SPFAULT1", 0, 0, 0, 0, 0, 0))
            for n in self.names:
                f.write(self.SLOT.pack(n.encode(), 0, 0, 0, 0, 0, 0))
            f.write(bytes(self.SLOT.size * (63 - len(self.names))))
        with open(path, "r+b") as f:
            self.m = mmap.mmap(f.fileno(), 0)

    def get(self, name):
        """(reached, fired, where, pid)"""
        x = self.SLOT.unpack_from(self.m, (self.names.index(name) + 1) * self.SLOT.size)
        return x[1], x[4], x[5], x[6]

    def set(self, name, at, n=1):
        place = (self.names.index(name) + 1) * self.SLOT.size + 40
        struct.pack_into("<QQ", self.m, place, 0, n)
        if at:
            struct.pack_into("<Q", self.m, place, at)

    def counts(self):
        return {n: self.get(n)[0] for n in self.names}


class Wrong(Exception):
    pass


class Dead(Exception):
    """The server does not answer."""


class Server:
    def __init__(self, board):
        self.data, self.proc, self.board, self.starts, self.answers = f"{T}/data", None, board, 0, []

    def launch(self):
        """True when it is up, False when it ended by itself."""
        if os.path.exists(f"{self.data}/address"):
            os.unlink(f"{self.data}/address")
        self.starts += 1
        with open(f"{T}/server.log", "ab") as log:
            self.proc = subprocess.Popen([SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--workers", "2",
                                          "--rate", "0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.proc.poll() is not None:
                return False
            try:
                self.addr = open(f"{self.data}/address").read().strip()[7:]
                self.token = open(f"{self.data}/admin-token").read().strip()
                if self.call("GET", "/healthz", base="")[0] == 200:
                    return True
            except (OSError, Dead):
                pass
            time.sleep(0.01)
        raise Wrong("the server neither comes up nor ends")

    def start(self):
        if not self.launch():
            raise Wrong(f"the server ended at its start with {self.proc.returncode}")

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise Wrong("the server does not stop")
        if self.proc and self.proc.returncode not in (0, 1):
            raise Wrong(f"the server ended with {self.proc.returncode}")

    def kill(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    def call(self, method, path, body=None, key=None, base="/api/v1"):
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        c = http.client.HTTPConnection(self.addr, timeout=10)
        try:
            c.request(method, base + path, None if body is None else json.dumps(body), headers)
            r = c.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException) as e:
            raise Dead(str(e))
        finally:
            c.close()
        if SECRET.encode() in text:
            raise Wrong(f"the secret is in the answer to {method} {path}")
        return r.status, text


def tree():
    found = {}
    for folder, _, names in os.walk(f"{T}/project"):
        for n in names:
            p = os.path.join(folder, n)
            found[os.path.relpath(p, f"{T}/project")] = open(p).read()
    return found


def reset_project():
    shutil.rmtree(f"{T}/project", ignore_errors=True)
    os.mkdir(f"{T}/project")
    for n, text in BEFORE.items():
        with open(f"{T}/project/{n}", "w") as f:
            f.write(text)


class Job:
    """One run through its doors, whatever happens on the way."""

    def __init__(self, server, key):
        self.s, self.key, self.restarts, self.errors, self.left = server, key, 0, [], 0

    def again(self, why):
        if self.restarts == 1:
            raise Wrong(f"{why}, after a restart")
        self.restarts += 1
        self.errors.append(why)
        self.s.stop() if self.s.proc.poll() is None else None
        self.s.start()

    def ask(self, method, path, body=None, key=None):
        """An answer that is none of the server's failures: what fails with 5xx is asked again, as any client would."""
        for _ in range(40):
            try:
                status, text = self.s.call(method, path, body, key)
            except Dead as e:
                if self.s.proc.poll() is not None:
                    self.again(f"the server died ({self.s.proc.returncode})")
                else:
                    self.errors.append(f"cut off: {e}")
                continue
            if status < 500:
                return status, text
            try:
                e = json.loads(text)["error"]
                self.errors.append(e["code"])
                if e["code"] == "internal":
                    raise Wrong(f"{method} {path}: internal: {e['message']}")
            except (ValueError, KeyError):
                raise Wrong(f"{method} {path}: {status} without an error: {text[:200]}")
            time.sleep(0.05)
        raise Wrong(f"{method} {path} fails again and again: {self.errors[-3:]}")

    def good(self, method, path, body=None, key=None):
        status, text = self.ask(method, path, body, key)
        if status >= 300:
            raise Wrong(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text)

    def to_the_end(self, run):
        last, since, asked = None, time.monotonic(), {}
        while True:
            r = self.good("GET", f"/runs/{run}")
            state = r["state"]
            if state in FINAL:
                return r
            if state != last:
                last, since = state, time.monotonic()
            door = {"awaiting_review": "approve", "awaiting_apply": "apply"}.get(state)
            if door and asked.get(door, 0) < 20:
                asked[door] = asked.get(door, 0) + 1  # a door that opens again is answered again: another key
                status, text = self.ask("POST", f"/runs/{run}/{door}", {}, f"{self.key}-{run}-{door}-{asked[door]}")
                if status == 409:
                    self.errors.append(text.decode()[:200])
                    time.sleep(0.1)
                if status not in (200, 202, 409):
                    raise Wrong(f"{door}: {status} {text[:300]!r}")
            if time.monotonic() - since > PATIENCE:
                since = time.monotonic()
                self.again(f"stuck in {state}")
            time.sleep(0.02)

    def steps_are_true(self, run):
        for s in run["steps"]:
            i, state, code = s["index"], s["state"], s["exit_code"]
            if state in ("running", "starting"):
                raise Wrong(f"step {i} of a final run is {state}")
            if state == "succeeded" and code != 0:
                raise Wrong(f"step {i} succeeded with exit code {code}")
            if state != "succeeded" and code == 0 and not s["error"]:
                raise Wrong(f"step {i} is {state} with exit code 0 and no word why")
            if code is not None and code != 0 and not s["error"] and code not in (1, 2, 126, 127):
                raise Wrong(f"step {i}: exit code {code} was invented")
            if s["started_at"] is None or state in ("lost", "skipped", "denied"):
                continue
            status, text = self.ask("GET", f"/steps/{s['id']}/log")
            if status == 404 and state != "succeeded":
                continue
            if status != 200:
                raise Wrong(f"log of step {i}: {status} {text[:200]!r}")
            if s["log_truncated"] and b"missing" not in self.ask("GET", f"/steps/{s['id']}/log?stream=system")[1]:
                raise Wrong(f"output of step {i} is missing, and its log does not say so")
            for stream in ("stdout", "stderr"):
                want = OUTPUT[i][stream].encode()
                got = self.ask("GET", f"/steps/{s['id']}/log?stream={stream}")[1]
                if state == "succeeded" and got != want and not s["log_truncated"]:
                    raise Wrong(f"step {i} succeeded, and its {stream} is {len(got)} bytes, not {len(want)}")

    def artifacts_can_be_read(self, run):
        names = sorted(a["name"] for a in run["artifacts"])
        if names != ["audit.json", "diff.patch", "report.md"]:
            raise Wrong(f"artifacts: {names}")
        for a in run["artifacts"]:
            status, text = self.ask("GET", f"/artifacts/{a['id']}")
            if status != 200 or len(text) != a["size_bytes"]:
                raise Wrong(f"artifact {a['name']}: {status}, {len(text)} bytes of {a['size_bytes']}")

    def is_true(self, run, before, after):
        applied = bool(run["apply"] and run["apply"]["applied"])
        now = tree()
        if now != (after if applied else before):
            between = "" if now in (before, after) else ", but between"
            raise Wrong(f"{run['kind']} is {run['state']}, applied: {applied}; the project is not so{between}: {sorted(now)}")
        if run["state"] == "succeeded" and not applied:
            raise Wrong("succeeded and not applied")
        if run["state"] != "succeeded" and not run["reason"]:
            raise Wrong(f"{run['state']} for no reason")
        if run["state"] == "failed" and run["reason"]["code"] == "internal":
            raise Wrong(f"failed as internal: {run['reason']['message']}")
        self.steps_are_true(run)
        self.artifacts_can_be_read(run)

    def play(self):
        run = self.good("POST", "/runs", {"project_id": "project", "steps": [{"command": c.replace(SECRET, "$TOKEN")} for c in STEPS],
                                          "review": "both", "env": {"TOKEN": SECRET}}, self.key)["id"]
        self.runs = [run]
        r = self.to_the_end(run)
        self.is_true(r, BEFORE, AFTER)
        if os.environ.get("FAULTS_VERBOSE") and r["reason"]:
            print("  ", r["reason"]["message"], flush=True)
        ends = [r["state"] if r["state"] == "succeeded" else f"{r['state']}: {r['reason']['code']}"]
        if r["state"] == "succeeded":
            undo = self.good("POST", f"/runs/{run}/undo", {}, f"{self.key}-undo")["id"]
            self.runs.append(undo)
            u = self.to_the_end(undo)
            self.is_true(u, AFTER, BEFORE)
            ends.append(u["state"] if u["state"] == "succeeded" else f"{u['state']}: {u['reason']['code']}")
        if not self.good("POST", "/audit/verify", {})["ok"]:
            raise Wrong("the audit chain does not verify")
        return ends


def ours(pid):
    try:
        cmd = open(f"/proc/{pid}/cmdline", "rb").read()
        return T.encode() in cmd or T in os.readlink(f"/proc/{pid}/cwd") or (
            os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt") and T in open(f"/proc/{pid}/mountinfo").read())
    except OSError:
        return False


def left(server):
    """What is left of runs, with no server up."""
    found = [f"process {p}" for p in os.listdir("/proc") if p.isdigit() and int(p) not in (os.getpid(), os.getppid()) and ours(p)]
    found += [f"mount {line.split()[1]}" for line in open("/proc/mounts") if T in line]
    runs = [r for r in os.listdir(f"{server.data}/runs") if r.startswith("run_")]
    names = set(runs)
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [f"cgroup {folder}/{n}" for n in folders if n in names]
    for r in runs:
        if os.path.exists(f"{server.data}/runs/{r}/layers"):
            found.append(f"layers of {r}")
    for folder, folders, files in os.walk(T):
        found += [f"{folder}/{n}" for n in folders + files if n.startswith((".sallyport-", ".tmp-"))]
    return found


def nothing_left(server):
    end = time.monotonic() + 20
    while (found := left(server)) and time.monotonic() < end:
        time.sleep(0.1)
    if found:
        raise Wrong("left over: " + ", ".join(found[:5]))


def files_below(folder):
    for at, _, names in os.walk(folder):
        for n in names:
            if os.path.isfile(os.path.join(at, n)):
                yield os.path.join(at, n)


def nothing_said(server):
    for path in [f"{T}/server.log", *files_below(server.data)]:
        try:
            text = open(path, "rb").read()
        except OSError:
            continue
        if SECRET.encode() in text:
            raise Wrong(f"the secret is in {path}")
        if path.endswith((".log", "/err")) and (b"Sanitizer" in text or b"runtime error:" in text):
            at = text.find(b"Sanitizer") if b"Sanitizer" in text else text.find(b"runtime error:")
            raise Wrong(f"a sanitizer speaks in {path}: {text[max(0, at - 200):at + 1500].decode(errors='replace')}")


def place(board, name):
    reached, fired, where, pid = board.get(name)
    program = SALLYPORT if name.startswith(("server", "cli")) else os.environ["SALLYPORT_SHIM"]
    r = subprocess.run(["addr2line", "-fpe", program, hex(where)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return r.strip().replace(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + "/", "").split("../")[-1]


class Sweep:
    def __init__(self):
        self.rnd = random.Random(SEED)
        self.board = Board(f"{T}/board")
        os.environ["SALLYPORT_FAULT_BOARD"] = f"{T}/board"
        os.environ["SALLYPORT_DATA"] = f"{T}/data"
        self.server = Server(self.board)
        self.n, self.bad = 0, []
        self.outcome = collections.Counter()
        self.fired = collections.Counter()

    def key(self):
        self.n += 1
        return f"faults-{self.n}"

    def first(self):
        reset_project()
        self.server.start()
        j = Job(self.server, "first")
        j.good("PUT", "/policy", {"text": "version: 1\ndefault: allow\nrules: []\n", "note": "all"}, "policy")
        j.good("POST", "/projects", {"root_path": f"{T}/project"}, "project")
        for _ in range(2):
            was = self.board.counts()
            ends = Job(self.server, self.key()).play()
        if ends != ["succeeded", "succeeded"]:
            raise Wrong(f"without any failure: {ends}")
        now = self.board.counts()
        self.command_line(None)
        then = self.board.counts()  # of the command line's run only its own calls: a failure past the job is never reached
        self.calls = {n: then[n] - now[n] if n.startswith("cli/") else now[n] - was[n] for n in now}
        was = then
        self.server.stop()
        self.server.start()
        self.start_calls = {n: c - was[n] for n, c in self.board.counts().items() if n.startswith("server/")}

    def note(self, name, k, what):
        self.bad.append((name, k, what))
        print(f"# {name}:{k} at {place(self.board, name.removeprefix('start@'))}: {what}", flush=True)

    def one(self, name, k, n):
        """A run in which the k-th call from now on fails."""
        reset_project()
        reached, fired, _, _ = self.board.get(name)
        self.board.set(name, reached + k, n)
        job = Job(self.server, self.key())
        try:
            ends = job.play()
            hit = self.board.get(name)[1] > fired
            self.board.set(name, 0)
            if hit:
                self.fired[name] += 1
                how = "cut off or asked again, then " if job.errors and not job.restarts else "after a restart " if job.restarts else ""
                self.outcome[how + ", undo ".join(ends)] += 1
                if os.environ.get("FAULTS_VERBOSE"):
                    print(f"  {name}:{k} {place(self.board, name)}: {how}{ends} {job.errors}", flush=True)
            else:
                self.outcome["not reached"] += 1
        except (Wrong, Dead) as e:
            self.board.set(name, 0)
            self.note(name, k, f"{e} {job.errors}")
            self.server.kill()
            self.server.start()
            for run in getattr(job, "runs", []):
                try:
                    self.server.call("POST", f"/runs/{run}/cancel", {}, self.key())
                except Dead:
                    pass

    def command_line(self, hit):
        p = subprocess.run([SALLYPORT, "run", "-p", "project", "--review", "none", "--cmd", "echo said"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                           env=dict(os.environ, SALLYPORT_URL="http://" + self.server.addr, SALLYPORT_TOKEN=self.server.token))
        if p.returncode == 0 and b"said" not in p.stdout + p.stderr:
            raise Wrong("exit code 0 without the step's output")
        if p.returncode < 0 or p.returncode in (134, 139) or b"Sanitizer" in p.stderr:
            raise Wrong(f"it died: {p.returncode} {p.stderr[:1500].decode(errors='replace')}")
        if p.returncode and not p.stderr.strip():
            raise Wrong(f"exit code {p.returncode} and no word why")
        if not hit and p.returncode:
            raise Wrong(f"without any failure: {p.returncode} {p.stderr.decode(errors='replace')}")
        return p.returncode, p.stderr.decode(errors="replace")[-300:] if p.returncode else ""

    def one_cli(self, name, k, n):
        reset_project()
        reached, fired, _, _ = self.board.get(name)
        self.board.set(name, reached + k, n)
        try:
            code, said = self.command_line(True)
            hit = self.board.get(name)[1] > fired
            self.fired[name] += hit
            self.outcome[f"command line: exit code {code}" if hit else "not reached"] += 1
            if code == 2:
                raise Wrong(f"exit code 2, wrong use: {said}")
            if os.environ.get("FAULTS_VERBOSE"):
                print(f"  {name}:{k} {place(self.board, name)}: {code} {said}", flush=True)
        except (Wrong, subprocess.TimeoutExpired) as e:
            self.note(name, k, str(e))
        self.board.set(name, 0)

    def one_start(self, name, k, n):
        """The server's start, with a failure in it: up, or an end that says why and a start that is well."""
        size = os.path.getsize(f"{T}/server.log")
        try:
            self.server.stop()
            reached, fired, _, _ = self.board.get(name)
            self.board.set(name, reached + k, n)
            up = self.server.launch()
            self.board.set(name, 0)
            if not up:
                with open(f"{T}/server.log", "rb") as f:
                    f.seek(size)
                    said = f.read()
                if self.server.proc.returncode in (0, None) or self.server.proc.returncode < 0 or not said.strip():
                    raise Wrong(f"the start ended with {self.server.proc.returncode}: {said[-500:]!r}")
                self.server.start()
            if self.board.get(name)[1] > fired:
                self.fired[name] += 1
            self.outcome["start: up all the same" if up else "start: an error, then well"] += 1
        except Wrong as e:
            self.board.set(name, 0)
            self.note("start@" + name, k, str(e))
            self.server.kill()
            self.server.start()

    def check_all(self):
        try:
            self.server.stop()
            self.server.start()
            self.server.stop()
            nothing_left(self.server)
            nothing_said(self.server)
            self.server.start()
        except Wrong as e:
            self.bad.append(("after a batch", 0, str(e)))
            print(f"# after a batch: {e}", flush=True)
            self.server.kill()
            for p in os.listdir("/proc"):
                if p.isdigit() and int(p) not in (os.getpid(), os.getppid()) and ours(p):
                    os.kill(int(p), signal.SIGKILL)
            shutil.rmtree(f"{T}/data/runs", ignore_errors=True) if "left over" in str(e) else None
            os.rename(f"{T}/server.log", f"{T}/server.log.{self.n}")
            self.server.start()

    def plan(self):
        """(what, name, k, n): spread over all calls of a class, each class in turn."""
        if ":" in ONLY:
            name, k = ONLY.split(":")
            return [(self.one_start if name.startswith("start@") else self.one_cli if name.startswith("cli/") else self.one,
                     name.removeprefix("start@"), int(k), int(os.environ.get("FAULTS_N", "1")))]
        queues = []
        for kind, calls in ((None, self.calls), (self.one_start, self.start_calls)):
            for name, count in calls.items():
                if not count or (ONLY and name != ONLY):
                    continue
                most = 400 if ALL else 40
                ks = list(range(1, count + 1))
                if len(ks) > most:  # one out of each of `most` stretches
                    ks = [self.rnd.randint(i * count // most + 1, (i + 1) * count // most) for i in range(most)]
                self.rnd.shuffle(ks)
                how = kind or (self.one_cli if name.startswith("cli/") else self.one)
                queues.append([(how, name, k, 60 if name.endswith("/busy") and k % 3 == 0 else 1) for k in ks])
        todo = []
        while any(queues):
            self.rnd.shuffle(queues)
            todo += [q.pop() for q in queues if q]
        return todo

    def sweep(self):
        begin = time.monotonic()
        self.first()
        todo, done = self.plan(), 0
        for what, name, k, n in todo:
            if time.monotonic() - begin > SECONDS and not ALL and not ONLY:
                break
            what(name, k, n)
            done += 1
            if done % PER_BATCH == 0:
                self.check_all()
        self.check_all()
        self.server.stop()
        print(f"# seed {SEED}: {done} failures of {len(todo)} planned, {sum(self.fired.values())} hit, in {time.monotonic() - begin:.0f} s")
        for r in ROLES:
            print("# " + r + ": " + ", ".join(f"{c} {self.fired[f'{r}/{c}']}/{self.calls[f'{r}/{c}']}" for c in CLASSES
                                              if self.calls[f"{r}/{c}"] or self.fired[f"{r}/{c}"]) + " (failed/calls in a run)")
        print("# start of the server: " + ", ".join(f"{n.split('/')[1]} {c}" for n, c in self.start_calls.items() if c) + " (calls)")
        for what, n in self.outcome.most_common():
            print(f"# {n:4} {what}")
        print(("not ok " if self.bad else "ok ") + "every failure of a call ends in a clear error or a retry")
        return 1 if self.bad else 0


def main():
    s = Sweep()
    try:
        return s.sweep()
    finally:
        s.server.kill()


sys.exit(main())
