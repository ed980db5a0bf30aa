"""server - a sallyport server for a bench: started in a data directory of the bench's, spoken to as its administrator.

    with Server(f"{tmp}/data") as server:
        server.add_project(f"{tmp}/project")
        server.run("project", {"argv": ["/bin/true"]})

Whatever goes wrong, and any answer of 300 or more, ends the bench with a sentence that says what. Standard library only."""
import contextlib
import http.client
import json
import os
import time
import uuid

from procs import SALLYPORT, end, spawn, until

FINAL = ("succeeded", "failed", "rejected", "canceled", "expired")


class Server:
    def __init__(self, data, *flags, core=None):
        """Until it listens; another one may have used the directory before."""
        self.data, self.log = data, f"{data}.log"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{data}/address")
        with open(self.log, "ab") as log:
            self.proc = spawn(SALLYPORT, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error", "--rate", "0",
                              *flags, core=core, stdout=log, stderr=log)
        self.address = until(self.listens, "the server's start", every=0.0005).removeprefix("http://")
        with open(f"{data}/admin-token") as f:
            self.token = f.read().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def listens(self):
        """Its address, once it has one."""
        if self.proc.poll() is not None:
            raise self.bad(f"the server did not start, its exit status is {self.proc.returncode}")
        with open(f"{self.data}/address") as f:
            return f.read().strip()

    def stop(self):
        end(self.proc)

    def bad(self, why):
        """To be raised; with what the server says of it, if anything."""
        with open(self.log, errors="replace") as f:
            said = f.read()[-2000:]
        return SystemExit(why + ("\nthe server's log:\n" + said if said else ""))

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])

    def fetch(self, method, path, body=None, accept="application/json"):
        """The text that comes; the key of the request is a new one."""
        c = http.client.HTTPConnection(self.address, timeout=300)
        c.request(method, path, None if body is None else json.dumps(body),
                  {"Authorization": "Bearer " + self.token, "Content-Type": "application/json", "Accept": accept,
                   "Idempotency-Key": str(uuid.uuid4())})
        r = c.getresponse()
        text = r.read().decode(errors="replace")
        c.close()
        if r.status >= 300:
            raise self.bad(f"{method} {path}: {r.status} {text[-500:]}")
        return text

    def call(self, method, path, body=None):
        """A path of the API; the object that comes."""
        return json.loads(self.fetch(method, "/api/v1" + path, body))

    def add_project(self, root):
        """Its name is the directory's."""
        self.call("POST", "/projects", {"root_path": root})

    def start(self, project, step, **more):
        """A run of one step, to be followed by until(): its id."""
        return self.call("POST", "/runs", {"project_id": project, "steps": [step], **more})["id"]

    def until(self, run, *states):
        """The run, once it is in one of these states; one that it cannot leave for them ends the bench."""
        last = time.monotonic() + 300
        while (now := self.call("GET", f"/runs/{run}"))["state"] not in states:
            if now["state"] in FINAL or time.monotonic() > last:
                raise self.bad(f"the run is {now['state']}, not {' or '.join(states)}")
            time.sleep(0.02)
        return now

    def run(self, project, step):
        """A run without doors, read by its events to the end; (ms from the request to that, data of run.completed)."""
        start = time.monotonic()
        text = self.fetch("POST", "/api/v1/runs", {"project_id": project, "steps": [step], "review": "none"}, "text/event-stream")
        ms = (time.monotonic() - start) * 1000
        done = [json.loads(x[6:])["data"] for x in text.split("\n") if x.startswith("data: ") and '"run.completed"' in x]
        if not done or done[0]["state"] != "succeeded":
            raise self.bad("a run did not succeed: " + text[-500:])
        return ms, done[0]
