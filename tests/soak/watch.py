"""Subscribers: each follows runs from their first event to their last, is dropped at random and comes back with its cursor.

What one of them saw is the bytes of each stream of each step, as a hash, and the numbers of the events. They must be what the
log holds, whenever and how often the connection broke.
"""
import hashlib
import random
import threading
import time

from client import Client, GaveUp, WsEvents, log_bytes


class Seen:
    """What one subscriber saw of one run."""

    def __init__(self, run):
        self.run, self.cursor, self.seq, self.final = run, None, 0, None
        self.streams = {}   # (step, attempt, stream) -> [sha256, bytes]
        self.offsets = {}   # (step, attempt) -> the last
        self.finished = set()
        self.gaps, self.breaks = [], []

    def take(self, cursor, e):
        self.cursor = cursor
        if e["type"] == "step.log":
            d = e["data"]
            key, step = (d["step_id"], d["attempt"], d["stream"]), (d["step_id"], d["attempt"])
            if d["offset"] <= self.offsets.get(step, -1):
                self.gaps.append(f"offset {d['offset']} of {step} after {self.offsets[step]}")
            if step in self.finished:
                self.gaps.append(f"output of {step} after its step.finished")
            self.offsets[step] = d["offset"]
            entry = self.streams.setdefault(key, [hashlib.sha256(), 0])
            part = log_bytes(d)
            entry[0].update(part)
            entry[1] += len(part)
            return
        if e.get("seq") != self.seq + 1:
            self.gaps.append(f"seq {e.get('seq')} after {self.seq} ({e['type']})")
        self.seq = e.get("seq") or self.seq
        if e["type"] == "step.finished":
            self.finished.add((e["step_id"], e["data"].get("attempt", 1)))
        if self.final:
            self.gaps.append(f"{e['type']} after run.completed")
        if e["type"] == "run.completed":
            self.final = e["data"]["state"]

    def digest(self):
        return {k: (v[0].hexdigest(), v[1]) for k, v in self.streams.items()}


class Subscriber(threading.Thread):
    """open(client, run, cursor) makes a connection of its kind (SSE, WebSocket)."""

    def __init__(self, world, number, rng):
        super().__init__(name=f"subscriber-{number}", daemon=True)
        self.world, self.rng = world, rng
        self.client = Client(world.server, world.stats, unix=number % 4 < 2)
        self.open = world.openers[number % len(world.openers)]
        self.drops = 0

    def run(self):
        try:
            while True:
                run = self.world.next_watch()
                if run is None:
                    return
                seen = Seen(run)
                self.follow(seen)
                self.world.seen(seen)
        except GaveUp:
            pass
        except Exception as e:  # pylint: disable=broad-except
            self.world.stats.violation(f"{self.name}: {type(e).__name__}: {e}")

    def follow(self, seen):
        """Until run.completed, and the end of the stream after it."""
        while True:
            if self.world.server.quitting:
                raise GaveUp("watch")
            if not self.world.server.await_up():
                continue
            try:
                if self.listen(seen):
                    return
            except OSError as e:
                seen.breaks.append(f"{type(e).__name__} at seq {seen.seq}")
                time.sleep(0.01)

    def listen(self, seen):
        events = self.open(self.client, seen.run, seen.cursor)
        drop = time.time() + self.rng.expovariate(1 / 1.2)
        few = self.rng.randrange(1, 40) if self.rng.random() < 0.4 else 10 ** 9
        try:
            if events.status != 200:
                if events.status in (429, 503):
                    time.sleep(0.2)
                    return False
                raise AssertionError(f"events of {seen.run}: HTTP {events.status}")
            while True:
                item = events.next()
                if item is None:
                    if seen.final:
                        return True
                    seen.breaks.append(f"the stream ended at seq {seen.seq}")
                    return False
                seen.take(*item)
                if seen.final and isinstance(events, WsEvents):
                    return True  # the connection stays for others
                few -= 1
                if not seen.final and (few <= 0 or time.time() > drop):
                    self.world.stats.drops += 1
                    seen.breaks.append(f"dropped at seq {seen.seq}")
                    return False
        finally:
            events.close()
