#!/usr/bin/env python3
"""Drives the real `sallyport attach` at a pseudo terminal: attach.py CASE ARG ... (see attach.sh).

Says what is wrong and exits 1. Everything waits for what it needs, with a bound."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

SALLYPORT = os.environ["SALLYPORT"]
WAIT = float(os.environ.get("E2E_WAIT", "60"))


class Terminal:
    """A terminal with `sallyport ARG ...` in it."""

    def __init__(self, *args, cols=80, rows=24):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(cols, rows)
        self.before = termios.tcgetattr(slave)
        self.p = subprocess.Popen([SALLYPORT, *args], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.out = b""

    def resize(self, cols, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, timeout):
        r, _, _ = select.select([self.master], [], [], timeout)
        if r:
            try:
                self.out += os.read(self.master, 65536)
            except OSError:
                pass
        return bool(r)

    def expect(self, text, since=0):
        """Waits until it was written behind `since`; returns where it ends."""
        end = time.monotonic() + WAIT
        text = text.encode() if isinstance(text, str) else text
        while True:
            at = self.out.find(text, since)
            if at >= 0:
                return at + len(text)
            if time.monotonic() > end:
                fail(f"never came: {text!r}; but: {self.out[-2000:]!r}")
            self.read(0.2)

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        end = time.monotonic() + WAIT
        os.set_blocking(self.master, False)
        while data:
            try:
                n = os.write(self.master, data)
                data = data[n:]
            except BlockingIOError:
                if time.monotonic() > end:
                    fail("our terminal takes nothing")
            self.read(0.001)
        os.set_blocking(self.master, True)

    def ends(self, code):
        end = time.monotonic() + WAIT
        while self.p.poll() is None:
            if time.monotonic() > end:
                self.p.kill()
                fail(f"does not end; it wrote: {self.out[-2000:]!r}")
            self.read(0.05)
        while self.read(0):
            pass
        if self.p.returncode != code:
            fail(f"exit code {self.p.returncode}, should be {code}: {self.out[-2000:]!r}")
        if termios.tcgetattr(self.slave) != self.before:
            fail("the terminal is not as it was")


def fail(why):
    print(f"# {why}")
    sys.exit(1)


def attach(run, *args, **kw):
    return Terminal("attach", run, *args, **kw)


def case_type(run):
    """Keys, line editing, echo, size at the beginning and later, tput, Ctrl-C, the exit code."""
    t = attach(run, cols=91, rows=31)
    at = t.expect("$ ")
    t.send("stty size; tput cols\r")
    at = t.expect("31 91\r\n91\r\n", at)
    t.resize(120, 40)
    t.send("while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; done; echo si''zed\r")
    at = t.expect("sized\r\n", at)
    t.send("sleep 1000; echo $?\r")
    time.sleep(0.3)
    t.send("\x03")
    at = t.expect("$ ", at)
    t.send("echo typo\x7fed\r")
    at = t.expect("typed\r\n", at)
    t.send("exit 7\r")
    t.ends(7)


def case_leave(run):
    """~. leaves, and only at the beginning of a line; the step goes on, and who comes back sees it all."""
    t = attach(run)
    at = t.expect("$ ")
    t.send("echo one ~. two\r")
    at = t.expect("one ~. two\r\n", at)
    t.send("~?")
    at = t.expect("~~ types ~", at)
    t.send("\r~.")
    t.ends(0)
    t = attach(run)
    t.expect("one ~. two\r\n")
    t.send("\x15echo ba''ck\r")
    t.expect("back\r\n")
    t.send("\r~.")
    t.ends(0)


def case_read_only(run):
    t = attach(run, "--read-only")
    t.expect("$ ")
    t.send("echo ne''ver\r")
    time.sleep(0.5)
    t.read(0)
    if b"never" in t.out:
        fail("a reader typed")
    t.send("\x03")
    t.ends(0)


def case_full_screen(run):
    """vim and less draw, and our terminal is as before when we leave in the middle."""
    t = attach(run, cols=100, rows=30)
    at = t.expect("$ ")
    t.send("vim -u NONE -N hello.txt\r")
    at = t.expect("hello.txt", at)
    t.send("iwritten in vim\x1b:wq\r")
    at = t.expect("$ ", at)
    t.send("cat hello.txt; seq 1 500 | less\r")
    at = t.expect("written in vim", at)
    at = t.expect("28\r\n", at)
    t.send("G")
    at = t.expect("500", at)
    t.send("q")
    at = t.expect("$ ", at)
    t.send("vim -u NONE -N hello.txt\r")
    at = t.expect("written in vim", at)
    t.send("\r~.")
    t.ends(0)
    if b"\x1b[?1047l" not in t.out[at:]:
        fail("the modes of the terminal were not put back")
    t = attach(run, cols=60, rows=20)
    at = t.expect("~" + " " * 59 + "\x1b[3;1H")  # it draws itself again for our size
    t.send("\x1b:qa!\r")
    at = t.expect("$ ", at)
    t.send("echo ou''t\r")
    t.expect("out\r\n", at)
    t.send("\r~.")
    t.ends(0)


def case_signal(run):
    """Every way out puts the terminal back."""
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        t = attach(run)
        t.expect("$ ")
        end = time.monotonic() + WAIT
        while termios.tcgetattr(t.slave) == t.before:
            if time.monotonic() > end:
                fail("it never took the terminal")
            time.sleep(0.01)
        t.p.send_signal(sig)
        t.ends(128 + sig)


def case_numbers(run, n):
    """Types the numbers of 1 to n, one after the other, while attach.sh kills the server; `cat` gives each back once."""
    t = attach(run)
    t.expect("ready\r\n")
    open(os.environ["TYPING"], "w").close()
    for i in range(1, int(n) + 1):
        t.send(f"{i}\r")
        t.read(0.01)
    t.send("\x04")
    t.ends(0)
    got = [int(x) for x in re.findall(rb"(\d+)\r\n", t.out[t.out.index(b"ready") :])]
    if got != list(range(1, int(n) + 1)):
        fail(f"came back: {got}")


def case_two(run, n):
    """Two people type lines at once: each line arrives once, whole."""
    both = [attach(run), attach(run)]
    for t in both:
        t.expect("ready\r\n")
    for i in range(int(n)):
        for name, t in zip("ab", both):
            t.send(f"{name}{i}\r")
            t.read(0)
    end = time.monotonic() + WAIT
    want = {f"{name}{i}".encode() for name in "ab" for i in range(int(n))}
    for t in both:
        while not want <= set(re.findall(rb"\w+", t.out)):
            if time.monotonic() > end:
                fail(f"not all came: {t.out!r}")
            t.read(0.1)
    both[0].send("\r~.")
    both[0].ends(0)
    both[1].send("\x04")
    both[1].ends(0)
    got = [x for x in re.findall(rb"\w+", both[1].out) if x != b"ready"]
    if sorted(got) != sorted(want):
        fail(f"came: {got}")


def case_kill_shim(run, pid):
    t = attach(run)
    t.expect("$ ")
    os.kill(int(pid), signal.SIGKILL)
    t.ends(19)


def case_run_tty(*args):
    """`run -t`: the first door, the terminal, the second door, in one command."""
    t = Terminal("run", "-t", *args, cols=77, rows=22)
    t.expect("approve?")
    if b"with a terminal" not in t.out:
        fail("the plan does not say that the step has a terminal")
    t.send("y\r")
    at = t.expect("\x1b[?2004h$ ")  # the shell's own prompt: the command shown above it has a "$ " too
    t.send("stty size; echo by hand > by-hand; exit\r")
    t.expect("22 77\r\n", at)
    t.expect("apply?")
    t.send("y\r")
    t.ends(0)
    if t.out.count(b"22 77\r\n") != 1:
        fail(f"its output came twice: {t.out!r}")


def case_never_reads(run):
    """More than anybody holds: it says so, and leaving still works."""
    t = attach(run)
    t.expect("ready\n")
    block = b"x" * 4096
    end = time.monotonic() + WAIT
    while b"does not read" not in t.out:
        t.send(block)
        if time.monotonic() > end:
            fail("it never said that nothing is taken")
    t.send("\r~.")
    t.ends(0)


globals()["case_" + sys.argv[1]](*sys.argv[2:])
