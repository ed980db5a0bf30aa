"""The server under test: started, killed at a random instant or by itself at a named point, started again.

A generation is one life of the process. Up-time is the sum of what lies between "answers" and its death, over all
generations: what the server owes within 5 s is measured on this clock, not on the wall's.
"""
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def read_points():
    """Name -> server, shim or elsewhere, from crash_points.def; each COMMIT is two."""
    points = {}
    with open(os.path.join(ROOT, "src/base/crash_points.def"), encoding="utf-8") as f:
        for side, name in re.findall(r"^(COMMIT|SERVER|SHIM|ELSEWHERE)\(([a-z0-9_]+),", f.read(), re.M):
            if side == "COMMIT":
                points[f"before_commit.{name}"] = points[f"after_commit.{name}"] = "server"
            else:
                points[name] = side.lower()
    return points


def placed_points():
    """The names that stand in the sources."""
    found = set()
    for folder, _, names in os.walk(os.path.join(ROOT, "src")):
        for name in names:
            if not name.endswith(".c") or folder.endswith("base"):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = f.read()
            found.update(re.findall(r"\bCRASH_POINT\((\w+)\)", text))
            for kind in re.findall(r"\bIN_COMMIT\((\w+)\)", text):
                found.update((f"before_commit.{kind}", f"after_commit.{kind}"))
    return found


class Server:
    def __init__(self, build, base, args):
        self.program = os.path.join(build, "src/daemon/sallyport")
        self.shim = os.path.join(build, "src/shim/sallyport-shim")
        self.base, self.data, self.args = base, os.path.join(base, "data"), args
        self.log, self.fault_log = os.path.join(base, "server.log"), os.path.join(base, "fault.log")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = None
        self.lock = threading.Condition()
        self.up = False
        self.lives = []  # [ready, end] by time.time(); end None: it lives
        self.fsync_lives = []  # in which a sync was made to fail: a run may end by that, and say so
        self.quitting = False

    def env(self, points, shim_points):
        env = {"PATH": os.environ["PATH"], "HOME": os.path.join(self.base, "home"), "LC_ALL": "C.UTF-8",
               "TMPDIR": os.path.join(self.base, "tmp"), "SALLYPORT_SHIM": self.shim, "SALLYPORT_FAULT_LOG": self.fault_log}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        if points:
            env["SALLYPORT_FAULT"] = ",".join(f"kill@{p}:{n}" for p, n in points)
            if any(p.endswith(".retry") for p, _ in points):  # a failure of the server's own, some time after its start
                env["SALLYPORT_FAULT"] += f",fsync:{random.randrange(12, 40)}"
                self.fsync_lives.append((time.time(), time.time() + 5))
        if shim_points:
            env["SALLYPORT_SHIM_FAULT"] = ",".join(f"kill@{p}:{n}" for p, n in shim_points)
        return env

    def start(self, points=(), shim_points=()):
        argv = [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", "--log-format", "json",
                *self.args]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.env(points, shim_points), cwd=self.base)
        self.started = time.time()

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                s.settimeout(5)
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return s.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def wait_up(self, until):
        """True when it answers; False when it died, or the time is over."""
        while time.time() < until:
            if self.process.poll() is not None:
                return False
            if self.answers():
                now = time.time()
                with self.lock:
                    self.up = True
                    self.lives.append([now, None])
                    self.lock.notify_all()
                return True
            time.sleep(0.005)
        return False

    def down(self):
        with self.lock:
            self.up = False
            if self.lives and self.lives[-1][1] is None:
                self.lives[-1][1] = time.time()

    def kill(self):
        """kill -9; False when it had died by itself before."""
        mine = self.process.poll() is None
        if mine:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.down()
        return mine

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.down()
        return code

    def await_up(self, seconds=30):
        """For clients: waits for a server that answers."""
        end = time.time() + seconds
        with self.lock:
            while not self.up and not self.quitting and time.time() < end:
                self.lock.wait(0.2)
            return self.up

    def uptime(self, a, b):
        """Seconds between the times a and b in which a server answered."""
        return sum(max(0.0, min(b, end or b) - max(a, ready)) for ready, end in self.lives)


class Killer:
    """Chooses when and where the server dies next."""

    def __init__(self, server, rng, stats):
        self.server, self.rng, self.stats = server, rng, stats
        self.points = read_points()
        self.hits = {p: 0 for p in self.points}
        self.read_to = 0

    def wanted(self, side, n):
        mine = [p for p, s in self.points.items() if s == side]
        self.rng.shuffle(mine)
        mine.sort(key=lambda p: self.hits[p])
        least = self.hits[mine[0]]
        return [p for p in mine if self.hits[p] <= least][:n]

    def missing(self):
        return sorted(p for p, n in self.hits.items() if n == 0 and self.points[p] != "elsewhere")

    def once(self, named, shim_fault):
        rng, server = self.rng, self.server
        points = [(p, rng.choice((1, 1, 2, 3))) for p in self.wanted("server", 40)] if named else []
        # A copy of the nursery counts from its beginning: what comes once in a shim's life needs 1, and then meets each shim.
        shims = [(p, rng.choice((1, 1, 2))) for p in self.wanted("shim", 1)] if shim_fault else []
        server.start(points, shims)
        # Named: until it dies of itself, which is a matter of what the runs do. Random: from the first instruction on.
        limit = server.started + (0.6 if shims else 2.5 if named else rng.choice((0.15, 0.6, 1.0)) * rng.random() + 0.02)
        if server.wait_up(limit):
            self.stats.ready.append(time.time() - server.started)
        while time.time() < limit and server.process.poll() is None:
            time.sleep(0.002)
        mine = server.kill()
        where = self.count()
        if where:
            self.stats.named_kills += 1
        elif mine:
            self.stats.random_kills += 1
        else:
            self.stats.violation(f"the server ended by itself with {server.process.returncode}: see {server.log}")

    def count(self):
        """What the server and its shims wrote into SALLYPORT_FAULT_LOG since the last time: the server's point, or None."""
        died = None
        try:
            with open(self.server.fault_log, "rb") as f:
                f.seek(self.read_to)
                text = f.read()
        except OSError:
            return None
        self.read_to += len(text)
        for where, who in re.findall(r"dies at (\S+): (.*)", text.decode("utf-8", "replace")):
            self.hits[where] += 1
            if self.points[where] == "shim":
                self.stats.shim_point_kills += 1
                self.stats.shims_died.update(re.findall(r"run_[0-9A-Z]+", who))
            else:
                died = where
        return died
