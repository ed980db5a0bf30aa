"""The runs of the soak: what each asks for, what a person does about it, and what must have come of it.

A kind is a function(job) that plays the person. job.make() makes the run, job.wait() waits for a state. What must be true
at the end is noted in job.want (states), job.steps (per step: state, exit code, signal, output) and job.later (functions).
Expected output is what `produce` writes when it is run outside, with the same arguments.
"""
import os
import random
import shutil
import subprocess
import threading
import time

FINAL = ("succeeded", "failed", "rejected", "canceled", "expired")
_outputs, _outputs_lock = {}, threading.Lock()


class Output:
    """Of produce with these arguments: the bytes of each stream as they must be recorded."""

    def __init__(self, program, args, token=None):
        env = {"API_TOKEN": token} if token else {}
        r = subprocess.run([program, *args], stdin=subprocess.DEVNULL, capture_output=True, env=env, check=True)
        self.raw = {"stdout": r.stdout, "stderr": r.stderr}
        self.kept = {k: v.replace(token.encode(), b"***") if token else v for k, v in self.raw.items()}


class Known:
    """Output that we know without running anything."""

    def __init__(self, stdout, stderr=b""):
        self.raw = self.kept = {"stdout": stdout, "stderr": stderr}


class Job:
    def __init__(self, world, number, kind, rng):
        self.world, self.number, self.kind, self.rng = world, number, kind, rng
        self.client, self.stats = world.client, world.stats
        self.project = world.projects[number % len(world.projects)]
        self.runs = []    # ids, in the order they were made
        self.want = {}    # id -> set of (state, reason code or None)
        self.steps = {}   # id -> {index: dict(state, exit_code, signal, output, prefix)}
        self.later = []   # functions() -> list of complaints, at the end
        self.made = {}    # id -> time of creation
        self.keys = []    # (method, path, body, key, id): asked again at the end
        self.error = None

    # ---- a person's means

    def produce(self, *args, token=None):
        """The command, and its output."""
        quick = [str(a) for a in args]
        if args[0] in ("text", "secret"):
            quick[3] = "0"
        with _outputs_lock:
            key = (tuple(quick), token)
            if key not in _outputs:
                if len(_outputs) > 200:
                    _outputs.clear()
                _outputs[key] = Output(self.world.program, quick, token)
            return "./produce " + " ".join(map(str, args)), _outputs[key]

    def text(self, lines=None, pause=0):
        return self.produce("text", self.rng.randrange(1, 500), lines or self.rng.randrange(4, 60), pause)

    def make(self, steps, want, outputs=(), twice=False, **more):
        """steps: commands. want: (state, reason). outputs: per step an Output, or None: its output is not known."""
        body = {"project_id": self.project.id, "steps": [{"command": s} if isinstance(s, str) else s for s in steps]}
        body.update({"review": "none", "on_failure": "discard"}, **more)
        key = f"soak-{self.number}-{len(self.runs)}"
        made = []
        if twice:  # at the same time, by two who do not know of each other
            other = threading.Thread(target=lambda: made.append(self.client.call("POST", "/runs", body, key)))
            other.start()
        a = self.client.call("POST", "/runs", body, key)
        if twice:
            other.join()
        if a.status != 202:
            raise AssertionError(f"POST /runs: {a.status} {a.body[:300]!r}")
        run = a.json()["id"]
        if any(m.status != 202 or m.json()["id"] != run for m in made):
            raise AssertionError(f"one key made two runs, {run} and {[m.body[:200] for m in made]}")
        self.add(run, [want])
        self.keys.append(("POST", "/runs", body, key, run))
        for i, out in enumerate(outputs):
            self.steps[run][i] = {"state": "succeeded", "exit_code": 0, "output": out}
        return run

    def add(self, run, want):
        self.runs.append(run)
        self.want[run] = set(want)
        self.steps[run] = {}
        self.made[run] = time.time()
        self.world.runs_made(run)

    def wait(self, run, states, seconds=240):
        end = time.time() + seconds
        while time.time() < end:
            r = self.client.get(f"/runs/{run}")
            if r["state"] in states or r["state"] in FINAL:
                return r
            time.sleep(0.06)
        raise AssertionError(f"{run} ({self.kind}) is {r['state']} for {seconds} s")

    def act(self, run, verb, body=None, ok=(200, 202), quiet=(409,)):
        """A person's deed. A 409 means that the run went another way meanwhile (its shim was killed, it expired)."""
        key = f"soak-{self.number}-{verb}-{len(self.keys)}-{self.rng.random()}"
        a = self.client.call("POST", f"/runs/{run}/{verb}", body if body is not None else {}, key)
        if a.status not in ok and a.status not in quiet:
            raise AssertionError(f"{verb} {run}: {a.status} {a.body[:300]!r}")
        if a.status in ok:
            self.keys.append(("POST", f"/runs/{run}/{verb}", body if body is not None else {}, key, a.json()["id"]))
        return a

    def allow(self, run, *ways):
        self.want[run].update(ways)

    def file(self, name):
        return os.path.join(self.project.root, name)

    def file_is(self, name, text):
        def look():
            try:
                with open(self.file(name), encoding="utf-8") as f:
                    now = f.read()
            except FileNotFoundError:
                now = None
            return [] if now == text else [f"{name} of {self.project.root} is {now!r}, should be {text!r}"]
        self.later.append((self.runs[-1], look))


# ---- the kinds ---------------------------------------------------------------


def short(j):
    cmd, out = j.text()
    j.make([cmd], ("succeeded", None), [out])


def steps(j):
    made = [j.text() for _ in range(j.rng.randrange(2, 6))]
    j.make([m[0] for m in made], ("succeeded", None), [m[1] for m in made])


def slow(j):
    cmd, out = j.text(j.rng.randrange(30, 80), j.rng.randrange(20, 70))
    cmd2, out2 = j.text()
    j.make([cmd, cmd2], ("succeeded", None), [out, out2])


def big(j):
    cmd, out = j.produce("text", j.rng.randrange(1, 20), j.rng.choice((8000, 20000)), 0)
    j.make([cmd], ("succeeded", None), [out])


def binary(j):
    cmd, out = j.produce("binary", j.rng.randrange(1, 50), j.rng.randrange(1, 200))
    j.make([cmd], ("succeeded", None), [out])


def long_line(j):
    cmd, out = j.produce("long", j.rng.randrange(1, 50), j.rng.choice((1, 300, 700)))
    j.make([cmd], ("succeeded", None), [out])


def failing(j):
    code = j.rng.randrange(1, 126)
    cmd, out = j.text()
    run = j.make([f"{cmd}; exit {code}", "echo never"], ("failed", "step_failed"))
    j.steps[run] = {0: {"state": "failed", "exit_code": code, "output": out}, 1: {"state": "skipped"}}


def signaled(j):
    cmd, out = j.text()
    run = j.make([f"{cmd}; kill -9 $$"], ("failed", "step_failed"))
    j.steps[run] = {0: {"state": "failed", "exit_code": None, "signal": 9, "output": out}}


def timed_out(j):
    cmd, out = j.text(8)
    run = j.make([{"command": f"{cmd}; sleep 100", "wall_ms": 400}], ("failed", "step_timeout"))
    j.steps[run] = {0: {"state": "failed", "timed_out": True, "output": out}}


def secrets(j):
    token = "".join(j.rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(j.rng.choice((4, 20, 200))))
    cmd, out = j.produce("secret", j.rng.randrange(1, 500), j.rng.randrange(5, 60), 5, token=token)
    j.make([cmd], ("succeeded", None), [out], env={"API_TOKEN": token})
    j.world.secrets.append(token)


def git(j):
    cmd, out = j.text()
    j.make(["git log --oneline", "git status --short; git diff --stat", cmd], ("succeeded", None), [None, None, out])


def idempotent(j):
    cmd, out = j.text()
    j.make([cmd], ("succeeded", None), [out], twice=True)


def cut_off(j):
    cmd, out = j.text(400)
    run = j.make([cmd], ("succeeded", None), [out], limits={"output_bytes": 3000})
    j.steps[run][0].update(prefix=True, log_truncated=True)


def doors(j, undo=False, files=0):
    cmd, out = j.text(10)
    name, text = f"door-{j.number}.txt", f"by run {j.number}"
    more = f"; ./produce files many-{j.number} {files}" if files else ""
    run = j.make([f"{cmd}{more}; printf '{text}' > {name}"], ("succeeded", None), [out], review="both")
    j.wait(run, ["awaiting_review"])
    j.act(run, "approve")
    j.wait(run, ["awaiting_apply"])
    j.act(run, "apply")
    if not undo:
        j.file_is(name, text)
        return
    if j.wait(run, FINAL)["state"] != "succeeded":
        return
    a = j.act(run, "undo")
    if a.status == 202:
        j.add(a.json()["id"], [("succeeded", None)])
        j.file_is(name, None)


def undone(j):
    doors(j, undo=True)


def many_files(j):
    doors(j, undo=j.rng.random() < 0.6, files=j.rng.choice((40, 200)))


def modes(j):
    """Changes of every kind in one apply: a file changed, one removed, a mode."""
    name = f"modes-{j.number}"
    os.makedirs(j.file(name))
    for part in ("changed", "removed", "script"):
        with open(j.file(f"{name}/{part}"), "w", encoding="utf-8") as f:
            f.write("before\n")
    run = j.make([f"cd {name} && echo after > changed && rm removed && chmod 755 script && mkdir d && ln -s changed link"],
                 ("succeeded", None), [None], review="effects")
    j.wait(run, ["awaiting_apply"])
    j.act(run, "apply")
    j.file_is(f"{name}/changed", "after\n")
    j.file_is(f"{name}/removed", None)


def rejected(j):
    run = j.make(["echo never"], ("rejected", "plan_rejected"), review="plan")
    j.steps[run] = {0: {"state": "skipped"}}
    j.wait(run, ["awaiting_review"])
    j.act(run, "reject", {"note": "no"})


def discarded(j):
    cmd, out = j.text()
    run = j.make([f"{cmd}; echo x > never-{j.number}"], ("rejected", "changes_discarded"), [out], review="effects")
    j.wait(run, ["awaiting_apply"])
    j.act(run, "discard")
    j.file_is(f"never-{j.number}", None)


def canceled(j):
    cmd, out = j.text(200, 20)
    run = j.make([cmd, "echo after"], ("canceled", "canceled_by_user"), [out, None])
    j.allow(run, ("succeeded", None))
    j.steps[run] = {0: {"states": ("canceled", "succeeded", "skipped"), "output": out, "prefix": True}}
    time.sleep(j.rng.random() * 3)
    j.act(run, "cancel")


def asked(j):
    cmd, out = j.text()
    allow = j.rng.random() < 0.6
    run = j.make([f"echo kept > asked-{j.number}", "curl --version >/dev/null 2>&1; true", cmd],
                 ("succeeded", None) if allow else ("failed", "approval_denied"))
    j.steps[run] = {2: {"state": "succeeded", "exit_code": 0, "output": out}} if allow else {1: {"state": "denied"}, 2: {"state": "skipped"}}
    if j.wait(run, ["awaiting_approval"])["state"] != "awaiting_approval":
        return
    items = j.client.get(f"/approvals?run_id={run}&state=pending")["items"]
    for a in items:
        r = j.client.call("POST", f"/approvals/{a['id']}", {"decision": "allow" if allow else "deny"})
        if r.status not in (200, 409):
            raise AssertionError(f"answer {a['id']}: {r.status} {r.body[:200]!r}")
    if allow:
        j.file_is(f"asked-{j.number}", "kept\n")


def told(j):
    cmd, out = j.text()
    run = j.make(["rm -rf /", cmd], ("succeeded", None), on_deny="tell")
    j.steps[run] = {0: {"state": "denied"}, 1: {"state": "succeeded", "exit_code": 0, "output": out}}


def replanned(j):
    cmd, out = j.text()
    run = j.make(["echo first"], ("succeeded", None), review="plan")
    j.wait(run, ["awaiting_review"])
    a = j.client.call("PUT", f"/runs/{run}/plan", {"steps": [{"command": "rm -rf /"}]})
    if a.status != 403:
        raise AssertionError(f"a plan that the policy denies: {a.status} {a.body[:200]!r}")
    a = j.client.call("PUT", f"/runs/{run}/plan", {"steps": [{"command": cmd}]})
    if a.status == 200:
        j.act(run, "approve", {"plan_hash": a.json()["plan_hash"]})
        j.steps[run] = {0: {"state": "succeeded", "exit_code": 0, "output": out}}


def conflict(j):
    name = f"shared-{j.number}"
    with open(j.file(name), "w", encoding="utf-8") as f:
        f.write("before\n")
    run = j.make([f"echo run > {name}"], ("rejected", "changes_discarded"), [None], review="effects")
    if j.wait(run, ["awaiting_apply"])["state"] != "awaiting_apply":
        return
    with open(j.file(name), "w", encoding="utf-8") as f:
        f.write("somebody else\n")
    j.act(run, "apply")
    while True:
        r = j.wait(run, ["awaiting_apply"])
        if r["state"] in FINAL or (r["apply"] or {}).get("conflicts"):
            break
        time.sleep(0.05)
    j.act(run, "discard")
    j.file_is(name, "somebody else\n")


def expired(j):
    run = j.make(["echo never"], ("expired", "expired"), review="plan")
    j.steps[run] = {0: {"state": "skipped"}}


def typed(j):
    """What is typed into a terminal reaches the step once, and in order."""
    text = "".join(j.rng.choice("abcdefghijklmnopqrstuvwxyz\n") for _ in range(j.rng.randrange(100, 3000)))
    run = j.make([{"command": f"stty raw -echo; printf ready; head -c {len(text)}", "pty": True}], ("succeeded", None),
                 [Known(b"ready" + text.encode())])
    step = None
    while not step or step["stdout_bytes"] is None or not step.get("terminal"):
        r = j.client.get(f"/runs/{run}")
        if r["state"] in FINAL:
            return
        step = j.client.get(f"/steps/{r['steps'][0]['id']}") if r["steps"] else None
        time.sleep(0.05)
    while b"ready" not in j.client.call("GET", f"/steps/{step['id']}/log").body:
        time.sleep(0.05)
        if j.client.get(f"/runs/{run}")["state"] in FINAL:
            return
    at = 0
    while at < len(text):
        piece = text[at:at + j.rng.randrange(1, 400)]
        a = j.client.call("POST", f"/steps/{step['id']}/input", {"offset": at, "text": piece})
        if a.status == 409 and a.code() == "invalid_state":
            return  # it has ended: all was typed, and the answer lost; or its shim was killed. What it read, its output tells
        if a.status != 200:
            raise AssertionError(f"input at {at} of {run}: {a.status} {a.body[:300]!r}")
        at = a.json()["accepted"]
        time.sleep(j.rng.random() * 0.1)


def retried(j):
    """Its shim is killed while the step runs, perhaps more than once: another attempt begins from where the first did."""
    cmd, out = j.text(j.rng.randrange(30, 60), j.rng.randrange(20, 50))
    name = f"retried-{j.number}"
    run = j.make([f"echo first > {name}", f"echo second >> {name}; {cmd}"], ("succeeded", None), [None, out], on_lost="retry")
    for attempt in range(1, j.rng.choice((2, 2, 3))):
        log = os.path.join(j.world.server.data, "runs", run, "logs", f"1.{attempt}.log")
        while not os.path.exists(log):
            if j.client.get(f"/runs/{run}")["state"] in FINAL:
                return
            time.sleep(0.03)
        time.sleep(j.rng.random())
        j.world.kill_shim(run)
    j.file_is(name, "first\nsecond\n")


def urgent(j):
    cmd, out = j.text()
    run = j.make([cmd], ("succeeded", None), [out], review="plan", priority=j.rng.choice(("low", "normal", "high")))
    a = j.client.call("POST", f"/queue/{run}/priority", {"priority": "urgent"})
    if a.status not in (200, 409):
        raise AssertionError(f"priority of {run}: {a.status} {a.body[:200]!r}")
    j.wait(run, ["awaiting_review"])
    j.act(run, "approve")


def broken(j):
    """Its project goes away before it runs."""
    root = os.path.join(j.world.base, f"gone-{j.number}")
    os.makedirs(root)
    a = j.client.call("POST", "/projects", {"root_path": root, "name": f"gone-{j.number}"})
    if a.status not in (201, 409):
        raise AssertionError(f"POST /projects: {a.status} {a.body[:200]!r}")
    body = {"project_id": f"gone-{j.number}", "steps": [{"command": "echo never"}], "review": "plan"}
    a = j.client.call("POST", "/runs", body)
    run = a.json()["id"]
    j.add(run, [("failed", None)])
    j.any_reason = True
    j.wait(run, ["awaiting_review"])
    shutil.rmtree(root)
    j.act(run, "approve")
    if j.wait(run, FINAL)["state"] in FINAL:
        a = j.client.call("DELETE", f"/projects/{body['project_id']}")
        if a.status not in (204, 404):
            raise AssertionError(f"DELETE /projects: {a.status} {a.body[:200]!r}")


def copied(j):
    j.project = j.world.copied
    cmd, out = j.text()
    name = f"copy-{j.number}"
    run = j.make([f"mkdir {name}; echo 1 > {name}/a", f"mv {name} {name}-moved; {cmd}"], ("succeeded", None), [None, out])
    j.file_is(f"{name}-moved/a", "1\n")
    return run


KINDS = [(short, 10), (steps, 10), (slow, 14), (big, 3), (binary, 5), (long_line, 4), (failing, 6), (signaled, 3), (timed_out, 3),
         (secrets, 8), (git, 4), (idempotent, 6), (cut_off, 2), (doors, 6), (undone, 6), (many_files, 5), (modes, 4),
         (rejected, 3), (discarded, 4), (canceled, 8), (asked, 6), (told, 3), (replanned, 4), (conflict, 4), (expired, 2),
         (broken, 3), (copied, 5), (typed, 6), (urgent, 3), (retried, 8)]


def deal(n, rng):
    """n kinds in their proportion, each at least once, in an order of the seed's."""
    cards = [k for k, weight in KINDS for _ in range(weight)]
    hand = [k for k, _ in KINDS] + [rng.choice(cards) for _ in range(n)]
    hand = hand[:max(n, len(KINDS))]
    rng.shuffle(hand)
    return hand
