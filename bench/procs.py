"""procs - processes of a bench: the programs that were built, waiting for something with a bound, and what a process costs.
Standard library only."""
import atexit
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time

SALLYPORT = os.environ["SALLYPORT"]
BUILD = os.path.dirname(os.path.dirname(os.path.dirname(SALLYPORT)))


def program(name):
    """One of bench/meson.build's."""
    return os.path.join(BUILD, "bench", name)


def scratch(where=None):
    """A directory, for `with`, that goes with all that is in it; below `where` instead of $TMPDIR."""
    return tempfile.TemporaryDirectory(prefix="sallyport-bench.", dir=where, ignore_cleanup_errors=True)


def until(fn, what, seconds=20, every=0.01):
    """What fn() gives, once that is true; a connection that is refused or cut off is not yet."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        try:
            if got := fn():
                return got
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(every)
    raise SystemExit("not in time: " + what)


def spawn(*argv, core=None, **more):
    """Reads nothing, unless stdin says otherwise; on this one core, where one is given; ends with the bench at the latest."""
    pin = [] if core is None else ["taskset", "-c", str(core)]
    proc = subprocess.Popen([*pin, *argv], **{"stdin": subprocess.DEVNULL, **more})
    atexit.register(proc.terminate)
    return proc


def end(proc, seconds=60):
    """SIGTERM, and its exit status; what does not heed it is killed, and that is an error."""
    proc.send_signal(signal.SIGTERM)
    try:
        return proc.wait(seconds)
    except subprocess.TimeoutExpired:
        proc.kill()
        proc.wait()
        raise SystemExit(f"not ended within {seconds} s of SIGTERM: {' '.join(proc.args)[:200]}") from None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    return [int(x) for x in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]


def tree(pid):
    """The process and what it started."""
    return [pid] + [x for child in children(pid) for x in tree(child)]


def mib(pid, field):
    """VmRSS: what it holds in memory; VmHWM: the most it ever held."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith(field + ":")) / 1024


def pss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += next(int(x.split()[1]) for x in f if x.startswith("Pss:"))
    return total


def cpu_s(pids):
    """Of the user and of the system."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
