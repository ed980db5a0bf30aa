"""HTTP as a client of a server that dies all the time: a request is repeated with its key until it is answered."""
import base64
import http.client
import json
import os
import socket
import threading
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        try:
            return self.json()["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None


class GaveUp(Exception):
    """The soak is being taken down, or the server stayed away for too long."""


class Client:
    """One connection per thread. retried counts answers that were lost and asked for again."""

    RETRY = (429, 500, 502, 503, 504, 507)

    def __init__(self, server, stats, unix=False):
        self.server, self.stats, self.unix = server, stats, unix
        self.local = threading.local()

    def connection(self):
        c = getattr(self.local, "c", None)
        if c is None:
            if self.unix:
                c = UnixConnection(os.path.join(self.server.data, "sock"), 20)
            else:
                c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            self.local.c = c
        return c

    def token(self):
        if not getattr(self, "_token", None):
            with open(os.path.join(self.server.data, "admin-token"), encoding="ascii") as f:
                self._token = f.read().strip()
        return self._token

    def once(self, method, path, body=None, key=None, token=None, accept=None, login=None):
        """login: (cookie, proof) of a login to the console, in place of the token."""
        headers = {"Cookie": login[0], "Sallyport-CSRF": login[1]} if login else {"Authorization": f"Bearer {token or self.token()}"}
        if accept:
            headers["Accept"] = accept
        if method != "GET":
            headers["Idempotency-Key"] = key or base64.b32encode(os.urandom(10)).decode()
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        c = self.connection()
        try:
            c.request(method, "/api/v1" + path if not path.startswith("//") else path[1:], body, headers)
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read())
        except (OSError, http.client.HTTPException):
            c.close()
            self.local.c = None
            raise

    def call(self, method, path, body=None, key=None, token=None, accept=None, seconds=90, login=None):
        """The first answer that is one; the key is the same each time."""
        if method != "GET" and key is None:
            key = base64.b32encode(os.urandom(10)).decode()
        end = time.time() + seconds
        while time.time() < end and not self.server.quitting:
            if not self.server.await_up():
                continue
            try:
                a = self.once(method, path, body, key, token, accept, login)
            except (OSError, http.client.HTTPException):
                self.stats.retried += 1
                time.sleep(0.005)
                continue
            if a.status in self.RETRY:
                self.stats.retried += 1
                time.sleep(0.05)
                continue
            return a
        raise GaveUp(f"{method} {path}")

    def get(self, path):
        return self.call("GET", path, accept="application/json").json()


def connect(client):
    if not client.unix:
        return socket.create_connection(("127.0.0.1", client.server.port), 30)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(os.path.join(client.server.data, "sock"))
    return sock


class Events:
    """One connection to a run's events, parsed by the rules of HTML's event streams. next() gives (id, event) or None at
    the end of the stream; raises OSError when the connection breaks. An event that is cut off is none."""

    def __init__(self, client, run, cursor):
        self.sock = connect(client)
        extra = f"Last-Event-ID: {cursor}\r\n" if cursor else ""
        self.sock.sendall((f"GET /api/v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                           f"Authorization: Bearer {client.token()}\r\n{extra}\r\n").encode())
        self.buf = self.body = b""
        self.chunk = 0  # bytes of the chunk under way that are still to come, with its CRLF
        self.ended = False
        head = self.read_until(b"\r\n\r\n")
        self.status = int(head.split(b" ", 2)[1])
        self.chunked = b"chunked" in head.lower()
        self.head = head

    def more(self):
        part = self.sock.recv(262144)
        if not part:
            raise ConnectionError("end of stream")
        self.buf += part

    def read_until(self, mark):
        while mark not in self.buf:
            self.more()
        head, self.buf = self.buf.split(mark, 1)
        return head

    def feed(self):
        """Takes what is there of the body out of its chunks."""
        if not self.buf:
            self.more()
        if not self.chunked:
            self.body, self.buf = self.body + self.buf, b""
            return
        if self.chunk == 0:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            self.chunk = size + 2
            if size == 0:
                self.ended = True
                return
            if not self.buf:
                self.more()
        n = min(len(self.buf), self.chunk)
        part, self.buf = self.buf[:n], self.buf[n:]
        keep = max(0, min(n, self.chunk - 2))
        self.body += part[:keep]
        self.chunk -= n

    def next(self):
        while True:
            at = self.body.find(b"\n\n")
            if at < 0:
                if self.ended:
                    return None
                self.feed()
                continue
            block, self.body = self.body[:at], self.body[at + 2:]
            cursor, data = None, []
            for line in block.split(b"\n"):
                if line.startswith(b"id: "):
                    cursor = line[4:].decode()
                elif line.startswith(b"data: "):
                    data.append(line[6:])
            if data:
                return cursor, json.loads(b"\n".join(data))

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class WsEvents:
    """The same over a WebSocket: RFC 6455, one subscription. What the server sends is not masked; what we send is."""

    def __init__(self, client, run, cursor):
        self.sock = connect(client)
        self.buf, self.message = b"", b""
        self.sock.sendall((f"GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                           f"Sec-WebSocket-Protocol: sallyport.v1\r\nAuthorization: Bearer {client.token()}\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buf:
            self.more()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        self.status = int(head.split(b" ", 2)[1])
        if self.status != 101:
            return
        self.ask("connect", {"protocol": {"min": 1, "max": 1}})
        params = {"run_id": run}
        if cursor:
            params["cursor"] = cursor
        self.ask("subscribe", params)
        self.status = 200

    def more(self):
        part = self.sock.recv(262144)
        if not part:
            raise ConnectionError("end of stream")
        self.buf += part

    def send(self, opcode, data):
        mask = os.urandom(4)
        n = len(data)
        head = bytes([0x80 | opcode, 0x80 | n]) if n < 126 else bytes([0x80 | opcode, 0x80 | 126]) + n.to_bytes(2, "big")
        self.sock.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def take(self, n):
        while len(self.buf) < n:
            self.more()
        part, self.buf = self.buf[:n], self.buf[n:]
        return part

    def frame(self):
        a, b = self.take(2)
        n = b & 127
        if n >= 126:
            n = int.from_bytes(self.take(2 if n == 126 else 8), "big")
        return a >> 7, a & 15, self.take(n)

    def read(self):
        """The next message, as JSON."""
        text = b""
        while True:
            fin, opcode, data = self.frame()
            if opcode == 9:
                self.send(10, data)
            elif opcode == 8:
                raise ConnectionError(f"closed: {data[:80]!r}")
            elif opcode in (0, 1):
                text += data
                if fin:
                    return json.loads(text)

    def ask(self, method, params):
        self.send(1, json.dumps({"type": "req", "id": method, "method": method, "params": params}).encode())
        while True:
            m = self.read()
            if m["type"] == "res" and m["id"] == method:
                if not m["ok"]:
                    if m["error"]["code"] in ("rate_limited", "unavailable", "busy"):
                        raise ConnectionError(m["error"]["code"])
                    raise AssertionError(f"{method}: {m['error']}")
                return m["result"]

    def next(self):
        while True:
            m = self.read()
            if m["type"] == "event":
                if "error" in m:
                    raise ConnectionError(str(m["error"]))
                return m["event"]["id"], m["event"]

    close = Events.close


def log_bytes(data):
    return base64.b64decode(data["text_b64"]) if "text_b64" in data else data["text"].encode()
