"""e2e - the command line as people and scripts use it, against fake.py. usage: e2e.py PROGRAM [test ...]"""
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake import Fake, TOKEN  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
HOME = tempfile.TemporaryDirectory(prefix="sallyport-e2e-")


def env(fake, **more):
    e = {"PATH": os.environ["PATH"], "HOME": HOME.name, "TERM": "xterm", "TMPDIR": HOME.name, "PAGER": "cat", "TZ": "UTC"}
    for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if k in os.environ:
            e[k] = os.environ[k]
    if fake:
        e["SALLYPORT_URL"] = fake.url
        e["SALLYPORT_TOKEN"] = TOKEN
    e.update(more)
    return e


def sh(fake, *args, stdin="", code=0, cwd="/", **more):
    """Without a terminal. Returns stdout, stderr."""
    p = subprocess.run([PROGRAM, *args], input=stdin.encode(), capture_output=True, timeout=30, cwd=cwd, env=env(fake, **more))
    out, err = p.stdout.decode("utf-8", "surrogateescape"), p.stderr.decode("utf-8", "surrogateescape")
    assert p.returncode == code, "%s: exit %d, wanted %d\n%s\n%s" % (args, p.returncode, code, out, err)
    assert TOKEN not in out + err
    return out, err


class Term:
    """The program on a terminal of its own."""

    def __init__(self, fake, *args, **more):
        self.text, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir("/")
            os.execve(PROGRAM, [PROGRAM, *args], env(fake, **more))

    def pump(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            self.text += data.decode("utf-8", "replace")
            return bool(data)
        return True

    def expect(self, what):
        until = time.monotonic() + 15
        while what not in self.text[self.at:]:
            if not self.pump(0.1) or time.monotonic() > until:
                raise AssertionError("no %r in:\n%s" % (what, self.text))
        self.at = self.text.index(what, self.at) + len(what)
        return self

    def type(self, text):
        time.sleep(0.15)  # what is typed before the question is thrown away
        os.write(self.fd, text.encode())
        return self

    def end(self, code):
        while self.pump(10):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        got = os.waitstatus_to_exitcode(status)
        assert got == code, "exit %d, wanted %d\n%s" % (got, code, self.text)
        assert TOKEN not in self.text
        return self.text


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text).replace("\r\n", "\n")


def test_both_doors(f):
    t = Term(f, "run", "运行单测并生成报告", "-p", "hello")
    t.expect("plan: ").expect("make test").expect("rule r1: fine").expect("approve?").type("y\n")
    t.expect("out of make test").expect("+14").expect("apply?").type("d\n").expect("diff --git").expect("apply?").type("y\n")
    text = plain(t.end(0))
    assert "succeeded in 3.1 s   report.md  audit.json  diff.patch" in text
    assert "   | out of make test\n" in text and "err| err of make test^[[2J\n" in text
    assert "\x1b[2J" not in t.text and text.count("plan: ") == 1
    assert "(binary, 16072 bytes)" in text and "zc%1E9" not in text  # on a screen; diff.patch has it whole
    posted = [(m, b) for m, p, b, h in f.seen if m == "POST"]
    assert posted[0][1] == {"project_id": "hello", "intent": "运行单测并生成报告"}
    assert posted[1][1]["plan_hash"] and posted[2][1] == {"digest": "d" * 64}
    keys = [h["Idempotency-Key"] for m, p, b, h in f.seen if m == "POST"]
    assert len(set(keys)) == 3


def test_answers_at_the_doors(f):
    Term(f, "run", "x", "-p", "hello").expect("approve?").type("\n").expect("rejected").end(11)
    Term(f, "run", "x", "-p", "hello").expect("approve?").type("what\n").expect("e  edit it").expect("approve?") \
        .type("n\n").end(11)
    t = Term(f, "run", "x", "-p", "hello").expect("approve?").type("y\n").expect("apply?").type("\n")
    t.expect("sallyport apply").end(9)
    assert f.last().state == "awaiting_apply"
    Term(f, "run", "x", "-p", "hello").expect("approve?").type("\x04").expect("sallyport approve").end(9)
    Term(f, "run", "x", "-p", "hello").expect("approve?").type("y\n").expect("apply?").type("n\n").end(11)


def test_typed_ahead_is_no_answer(f):
    t = Term(f, "run", "x", "-p", "hello")
    os.write(t.fd, b"y\ny\ny\n")
    t.expect("approve?")
    time.sleep(0.7)
    assert f.last().state == "awaiting_review"
    t.type("n\n").end(11)


def test_answered_elsewhere(f):
    t = Term(f, "run", "x", "-p", "hello").expect("approve?")
    out, _ = sh(f, "approve", "last")
    assert "make test" in out and "approved" in out
    t.expect("answered elsewhere").expect("apply?")
    sh(f, "apply", f.last().id)
    assert "succeeded" in t.expect("answered elsewhere").end(0)


def test_plan_replaced_elsewhere(f):
    t = Term(f, "run", "x", "-p", "hello").expect("approve?")
    r = f.last()
    r.set_plan([{"command": "other thing"}])
    t.expect("other thing").expect("approve?").type("n\n").end(11)


def test_edit(f):
    ed = os.path.join(HOME.name, "ed")
    with open(ed, "w") as out:
        out.write("#!/bin/sh\ngrep -q 'step: make test' \"$1\" || exit 1\n"
                  "printf 'step: make lint\\ntitle: Lint\\nstep: |\\n    a\\n    b\\n' > \"$1\"\n")
    os.chmod(ed, 0o755)
    t = Term(f, "run", "x", "-p", "hello", EDITOR=ed).expect("approve?").type("e\n")
    t.expect("make lint").expect("> ").expect("approve?").type("y\n").expect("apply?").type("y\n").end(0)
    put = [b for m, p, b, h in f.seen if m == "PUT"]
    assert put == [{"steps": [{"command": "make lint", "title": "Lint"}, {"command": "a\nb"}]}]
    assert not [n for n in os.listdir(HOME.name) if n.startswith("sallyport-")]
    Term(f, "run", "x", "-p", "hello", EDITOR="true").expect("approve?").type("e\n").expect("approve?").type("n\n").end(11)
    Term(f, "run", "x", "-p", "hello", EDITOR="false").expect("approve?").type("e\n").expect("editor").end(74)


def test_no_terminal_waits(f):
    out, err = sh(f, "run", "x", "-p", "hello", code=9)
    assert "make test" in out and "sallyport approve " + f.last().id in err
    out, err = sh(f, "run", "--cmd", "make test", "-p", "hello", "--review", "effects", code=9)
    assert "sallyport apply " + f.last().id in err
    assert "   | out of make test\nerr| err of make test\x1b[2J\n" in out


def test_yes(f):
    out, _ = sh(f, "run", "--cmd", "true", "--cmd", "b", "-p", "hello", "-y")
    assert "step 2/2" in out and "succeeded in 3.1 s" in out and "\x1b[0m" not in out
    sh(f, "run", "--cmd", "false", "-p", "hello", "-y", code=12)
    out, err = sh(f, "run", "x", "-p", "hello", "-y", "--no-apply")
    assert "sallyport apply" in err and f.last().state == "awaiting_apply"
    out, _ = sh(f, "run", "x", "-p", "hello", "-d")
    assert out == f.last().id + "\n"


def test_json(f):
    out, _ = sh(f, "run", "x", "-p", "hello", "-y", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0]["id"] == f.last().id and lines[-1]["state"] == "succeeded"
    assert [e["seq"] for e in lines[1:-1]] == list(range(1, len(f.last().events) + 1))
    assert json.loads(sh(f, "runs", "--json")[0])["items"]
    lines = sh(f, "logs", "last", "--json")[0].splitlines()
    assert [json.loads(line)["data"]["stream"] for line in lines] == ["stdout", "stderr"]
    assert json.loads(sh(f, "diff", "last", "--json")[0])["files"] == 1


def test_options_of_a_run(f):
    sh(f, "run", "x", "-p", "hello", "-d", "--timeout", "10m", "--memory", "512MiB", "--cpus", "1.5", "--pids=64",
       "--disk", "1GiB", "--env", "A=1=2", "--env", "FROM_ENV", "--review", "both", "--on-failure", "discard", "--on-lost", "retry",
       FROM_ENV="secret")
    assert f.last().body == {
        "project_id": "hello", "intent": "x", "review": "both", "on_failure": "discard", "on_lost": "retry",
        "limits": {"cpu_millis": 1500, "memory_bytes": 512 << 20, "pids": 64, "disk_bytes": 1 << 30, "wall_ms": 600000},
        "env": {"A": "1=2", "FROM_ENV": "secret"}}
    n = len(f.runs)
    for bad in (["--cpus", "x"], ["--cpus", "1.5.5"], ["--memory", "0"], ["--timeout", "soon"], ["--env", "=x"],
                ["--env", "NOT_SET"], ["--review", "no"], ["--on-lost", "no"], ["--review", "none", "--no-apply"], ["-dy"], ["--cmd", "y"], ["--nope"]):
        _, err = sh(f, "run", "x", "-p", "hello", *bad, code=2)
        assert err.startswith("sallyport: ") and "--help" in err
    assert len(f.runs) == n


def test_ctrl_c(f):
    t = Term(f, "run", "--cmd", "slow", "-p", "hello", "-y").expect("step 1/1").type("\x03")
    assert "canceled" in t.expect("canceling").end(130)
    assert f.last().state == "canceled"
    t = Term(f, "run", "x", "-p", "hello").expect("approve?").type("\x03")
    t.expect("canceling").end(130)
    assert f.last().state == "canceled"


def test_connection_cut(f):
    whole, _ = sh(f, "run", "--cmd", "a", "--cmd", "b", "-p", "hello", "-y")
    last = len(f.last().events) - 1
    for at in (1, 5, 6, 8, last - 4, last):
        f.cut_after = at
        out, err = sh(f, "run", "--cmd", "a", "--cmd", "b", "-p", "hello", "-y")
        assert out.replace(f.last().id, "") == whole.replace(f.runs[0].id, ""), "cut after %d:\n%s" % (at, out)
        assert "connection" in err and "connected again" in err, "cut after %d" % at


def test_server_restart(f):
    p = subprocess.Popen([PROGRAM, "run", "--cmd", "slow", "-p", "hello", "-y"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=env(f), cwd="/")
    while not f.runs or f.last().state != "running":
        time.sleep(0.02)
    f.stop()
    r = f.last()
    f.cut_after = len(r.events) + 1
    r.log(r.steps[0], "stdout", "before\n")
    time.sleep(0.6)
    f.start()
    r.log(r.steps[0], "stdout", "after\n")
    r.end("succeeded")
    out, err = p.communicate(timeout=20)
    assert p.returncode == 0, err
    assert out.decode().count("before") == 1 and out.decode().count("after") == 1
    assert b"connected again" in err


def test_questions(f):
    t = Term(f, "run", "--cmd", "ask me", "-p", "hello", "--review", "effects")
    t.expect("$ ").expect("ask me").expect("allow?").type("y\n").end(0)
    Term(f, "run", "--cmd", "ask me", "-p", "hello", "--review", "effects").expect("allow?").type("\n").end(11)
    _, err = sh(f, "run", "--cmd", "ask me", "-p", "hello", "--review", "effects", code=9)
    assert "sallyport allow apr_" in err
    assert "ask me" in sh(f, "approvals")[0]
    sh(f, "allow", "3C4D", "--note", "ok")
    assert f.seen[-1][2] == {"decision": "allow", "note": "ok", "subject_hash": "sh"}
    _, err = sh(f, "deny", "apr_01JD3K7Q2V5W8X9Y0Z1A2B3C4D", code=5)
    assert "answered already" in err


def test_conflict(f):
    f.conflict = True
    out, err = sh(f, "run", "x", "-p", "hello", "-y", code=15)
    assert "nothing was applied" in out and "report.md: changed since" in out
    sh(f, "apply", "last", code=15)
    f.conflict = False
    for bad in ("a", "a:", "a:0", "a:1,", "a:x", "a:99999999999"):
        assert "--hunks" in sh(f, "apply", "last", "--hunks", bad, code=2)[1]
    sh(f, "apply", "last", "report.md", "--hunks", "a:b.c:1,3", "--hunks", "d:2")
    asked = [x[2] for x in f.seen if x[1].endswith("/apply")][-1]
    assert asked["hunks"] == [{"path": "a:b.c", "hunks": [1, 3]}, {"path": "d", "hunks": [2]}] and asked["paths"] == ["report.md"]
    assert any(b and b.get("paths") == ["report.md"] for _, _, b, _ in f.seen)


def test_files(f):
    sh(f, "run", "x", "-p", "hello", "-y")
    out, _ = sh(f, "diff", "last", "a b&c")
    assert out == "diff --git a/report.md b/report.md a b&c\n+new\x1b[31m\n"
    assert "report.md" in sh(f, "artifacts", "last")[0]
    assert sh(f, "artifacts", "last", "report.md")[0] == "# report\n"
    target = os.path.join(HOME.name, "r.md")
    sh(f, "artifacts", "last", "report.md", "-o", target)
    with open(target) as got:
        assert got.read() == "# report\n"
    assert os.listdir(HOME.name) == [n for n in os.listdir(HOME.name) if ".part-" not in n]
    sh(f, "artifacts", "last", "nope", code=4)
    sh(f, "artifacts", "last", "report.md", "-o", "/nonexistent/x", code=74)


def test_logs(f):
    sh(f, "run", "--cmd", "a", "--cmd", "b", "-p", "hello", "-y")
    for extra in ([], ["-f"]):
        out, err = sh(f, "logs", "last", *extra)
        assert out == "out of a\nout of b\n" and err == "err of a\x1b[2J\nerr of b\x1b[2J\n"
    assert sh(f, "logs", "last", "--step", "2")[0] == "out of b\n"
    sh(f, "logs", "last", "--step", "3", code=4)
    text = plain(Term(f, "logs", "last").end(0))
    assert "step 1  a\n   | out of a\nerr| err of a^[[2J\n" in text


def test_ids(f):
    sh(f, "run", "x", "-p", "hello", "-d")
    sh(f, "run", "x", "-p", "hello", "-d")
    assert f.runs[0].id in sh(f, "show", "0001")[0]
    assert f.runs[1].id in sh(f, "show", "last")[0]
    _, err = sh(f, "show", "01JD3K", code=2)
    assert "more than one" in err
    _, err = sh(f, "show", "002", code=4)
    assert "too short" in err
    sh(f, "show", "zzzz", code=4)
    sh(f, "show", "run_01JD3K7Q2V5W8X9Y0Z1A2B0009", code=4)


def test_project_of_this_directory(f):
    sub = os.path.join(f.root, "sub")
    os.makedirs(sub, exist_ok=True)
    sh(f, "run", "x", "-d", cwd=sub)
    assert f.last().body["project_id"] == "prj_1"
    _, err = sh(f, "run", "x", "-d", cwd="/", code=4)
    assert "project add" in err
    out, err = sh(f, "project", "add", "sub/..", "--name", "n", cwd=f.root)
    assert f.seen[-1][2] == {"root_path": f.root, "name": "n"} and "3 files" in err


def test_policy_and_audit(f):
    assert sh(f, "policy", "test", "make")[0].startswith("allow  rule r1: because")
    sh(f, "policy", "test", "curl x", code=9)
    sh(f, "policy", "test", "rm -rf /", code=10)
    with open(os.path.join(f.root, "p.yaml"), "w") as file:
        file.write("version: 2\n")
    out, _ = sh(f, "policy", "replay", "p.yaml", "--since", "2d", "-p", "hello", cwd=f.root, code=10)
    assert "run_1" in out and "1. make x  (in sub)" in out and "now  deny  rule r2: no  [make]" in out
    assert "2 commands of 2 runs: 1 in 1 runs would have got another answer" in out
    assert "allow  then 2, now 1" in out and "deny   then 0, now 1" in out
    assert f.seen[-2][2] == {"text": "version: 2\n", "since_ms": 2 * 86400000, "project_id": "hello"}
    assert f.seen[-1][2]["after"] == "run_1"
    sh(f, "policy", "replay", "--since", "soon", code=2)
    out, _ = sh(f, "policy", "replay", "--json", code=10)
    assert [json.loads(line)["next"] for line in out.splitlines()] == ["run_1", None]
    _, err = sh(f, "audit", "verify", code=20)
    assert "record 2 is broken" in err
    out, err = sh(f, "token", "new", "--name", "ci", "--scope", "run:read,approve", "--expires", "30d")
    assert out == "sp_new\n"
    assert f.seen[-1][2] == {"name": "ci", "scopes": ["run:read", "approve"], "expires_in_ms": 30 * 86400000}


def test_errors_say_what_next(f):
    _, err = sh(f, "runs", SALLYPORT_TOKEN="sp_wrong", code=3)
    assert "SALLYPORT_TOKEN" in err
    _, err = sh(None, "runs", SALLYPORT_URL="http://127.0.0.1:1", code=6)
    assert "sallyport serve" in err
    _, err = sh(f, "run", "nonsense", "-p", "hello", code=2)
    assert "--cmd" in err
    _, err = sh(f, "runs", "--url", "https://example.org", code=2)
    assert "ssh" in err
    _, err = sh(f, "run", "--cmd", "true", "--yes", "--review", "none", "-d", code=2)
    assert "leave out --yes" in err and "--review none" not in err, err
    _, err = sh(f, "run", "--cmd", "true", "--yes", "-d", code=2)
    assert "leave out --yes (--review none asks nothing), or --detach" in err, err
    sh(f, "approve", code=2)
    sh(f, "nope", code=2)
    sh(f, "policy", "nope", code=2)
    sh(f, "runs", "--token-file", "/nonexistent", code=3)
    sh(f, "status")


def test_help(f):
    out, _ = sh(None, "--help")
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?) {2,}", out, re.M)
    assert len(names) > 35
    for name in names:
        text, _ = sh(None, *name.split(), "--help")
        assert "example:\n  $ sallyport " in text and "exit codes:" in text
        assert sh(None, "help", *name.split())[0] == text
        codes = re.findall(r"^ {2,4}(\d+) ", text.split("exit codes:")[1], re.M)
        assert len(codes) == len(set(codes)), (name, codes)
        usage = text.split("usage: ")[1].split("\n")[0]
        assert name != "policy test" or ("--file F" in usage and "--cwd DIR" in usage), usage
    sh(None, code=2)
    sh(None, "policy")
    assert sh(None, "version")[0].startswith("sallyport ")


def test_token_file_and_closed_pipe(f):
    path = os.path.join(HOME.name, "tok")
    with open(path, "w") as out:
        out.write(TOKEN + "\n")
    sh(f, "status", "--token-file", path, SALLYPORT_TOKEN="")
    sh(f, "status", SALLYPORT_TOKEN="", SALLYPORT_TOKEN_FILE=path)
    p = subprocess.Popen([PROGRAM, "--help"], stdout=subprocess.PIPE, env=env(None))
    p.stdout.close()
    assert p.wait(10) in (141, 0)


def main():
    wanted = sys.argv[2:]
    failed = 0
    for name, fn in list(globals().items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        f = Fake()
        f.root = os.path.join(os.path.realpath(HOME.name), "proj")
        os.makedirs(f.root, exist_ok=True)
        start = time.monotonic()
        try:
            fn(f)
            print("ok    %s %.2f s" % (name, time.monotonic() - start), flush=True)
        except Exception as e:  # noqa: BLE001 - each test is told of, then the next one runs
            failed += 1
            print("FAIL  %s: %s: %s" % (name, type(e).__name__, e))
        f.stop()
    HOME.cleanup()
    return 1 if failed else 0


sys.exit(main())
