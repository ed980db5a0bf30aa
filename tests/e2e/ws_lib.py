"""ws_lib - a WebSocket client that sends exactly the bytes it is told, and checks every byte that it gets by RFC 6455.
Standard library only."""
import base64
import collections
import hashlib
import json
import os
import socket
import struct
import time

from api_lib import Bad, check

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
Frame = collections.namedtuple("Frame", "op data fin")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(op, data=b"", fin=True, mask=b"\x12\x34\x56\x78", rsv=0, length=None, masked=True):
    """length: a spelling of it, as bytes, instead of the shortest."""
    data = data.encode() if isinstance(data, str) else data
    n = len(data)
    if length is None:
        length = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
    head = bytes([(0x80 if fin else 0) | rsv | op, length[0] | (0x80 if masked else 0)]) + length[1:]
    if not masked:
        return head + data
    key = (mask * (n // 4 + 1))[:n]
    return head + mask + (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(n, "big")


def close_frame(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


class Closed(Exception):
    """The server ended the connection; code: what its Close said, None without one."""

    def __init__(self, code, reason=""):
        super().__init__("closed %s %s" % (code, reason))
        self.code, self.reason = code, reason


class Refused(Exception):
    def __init__(self, status, headers, body):
        super().__init__("%d %s" % (status, body[:300]))
        self.status, self.headers, self.body = status, headers, body


class Ws:
    def __init__(self, server, token="admin", headers=None, drop=(), path="/api/v1/ws", version="HTTP/1.1", method="GET",
                 first=b"", open_now=True, timeout=30, sock=None):
        """headers: added or replaced (a None value leaves one out). first: bytes sent behind the request."""
        self.server, self.buf, self.id, self.events = server, b"", 0, []
        self.sock = sock or socket.create_connection((server.host, server.port), timeout=timeout)
        if not sock:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.key = base64.b64encode(os.urandom(16)).decode()
        h = {"Host": "%s:%d" % (server.host, server.port), "Connection": "Upgrade", "Upgrade": "websocket",
             "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": self.key}
        if token:
            h["Authorization"] = "Bearer " + (server.admin if token == "admin" else token)
        h.update(headers or {})
        head = "%s %s %s\r\n" % (method, path, version) + "".join("%s: %s\r\n" % x for x in h.items() if x[1] is not None)
        self.sock.sendall(head.encode("latin-1") + b"\r\n" + first)
        if open_now:
            self.handshake()

    def handshake(self):
        while b"\r\n\r\n" not in self.buf:
            more = self.sock.recv(65536)
            if not more:
                raise Closed(None)
            self.buf += more
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.strip().lower(): v.strip() for k, v in (x.split(":", 1) for x in lines[1:])}
        if self.status != 101:
            n = int(self.headers.get("content-length", 0))
            while len(self.buf) < n:
                self.buf += self.sock.recv(65536)
            body, self.buf = self.buf[:n], b""
            self.close()
            raise Refused(self.status, self.headers, body)
        want = base64.b64encode(hashlib.sha1((self.key + GUID).encode()).digest()).decode()
        check(self.headers.get("sec-websocket-accept") == want, "Sec-WebSocket-Accept", self.headers)
        check(self.headers.get("upgrade", "").lower() == "websocket", self.headers)
        check("upgrade" in self.headers.get("connection", "").lower(), self.headers)
        check("sec-websocket-extensions" not in self.headers, "no extension was asked for", self.headers)

    def send(self, data):
        self.sock.sendall(data)

    def need(self, n):
        while len(self.buf) < n:
            try:
                more = self.sock.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed(None, "TCP ended with %d bytes of a frame" % len(self.buf))
            self.buf += more

    def frame(self):
        """The next frame, whatever it is; what RFC 6455 says of a server's frames is checked."""
        self.need(2)
        a, b = self.buf[0], self.buf[1]
        check(a & 0x70 == 0, "reserved bits", a)
        check(b & 0x80 == 0, "a server must not mask")
        op, n, at = a & 15, b & 127, 2
        check(op in (CONT, TEXT, BINARY, CLOSE, PING, PONG), "opcode", op)
        if n == 126:
            self.need(4)
            n, at = struct.unpack(">H", self.buf[2:4])[0], 4
            check(n >= 126, "not the shortest length")
        elif n == 127:
            self.need(10)
            n, at = struct.unpack(">Q", self.buf[2:10])[0], 10
            check(65536 <= n < 1 << 63, "not the shortest length")
        check(op < 8 or (n <= 125 and a & 0x80), "a control frame of", n)
        self.need(at + n)
        data, self.buf = self.buf[at:at + n], self.buf[at + n:]
        return Frame(op, data, bool(a & 0x80))

    def message(self, pings=True):
        """The next message, as JSON; answers pings. Closed when the server says Close (answered) or is gone."""
        while True:
            f = self.frame()
            if f.op == PING:
                if pings:
                    self.send(frame(PONG, f.data))
            elif f.op == CLOSE:
                code = struct.unpack(">H", f.data[:2])[0] if f.data else None
                try:
                    self.send(frame(CLOSE, f.data[:2]))
                except OSError:
                    pass
                raise Closed(code, f.data[2:].decode())
            elif f.op == TEXT:
                check(f.fin, "whole frames are sent here")
                return json.loads(f.data.decode())
            else:
                check(f.op == PONG, "a frame of type", f.op)

    def ended(self):
        """The code of the server's Close, after which TCP must end, too."""
        try:
            while True:
                self.message()
        except Closed as why:
            if why.code is not None:
                try:
                    check(self.sock.recv(1) == b"", "bytes after Close")
                except ConnectionResetError:
                    pass
            return why.code
        finally:
            self.close()

    def close(self):
        self.sock.close()

    # ---- the gateway's frames

    def ask(self, method, params=None, **more):
        self.id += 1
        f = {"type": "req", "id": "q%d" % self.id, "method": method}
        if params is not None:
            f["params"] = params
        f.update(more)
        self.send(frame(TEXT, json.dumps(f)))
        return f["id"]

    def answer(self, id):
        """The answer to this request; events that come before it are kept."""
        while True:
            m = self.message()
            if m["type"] == "event":
                self.events.append(m)
                continue
            check(m["type"] == "res" and m["id"] == id, "not the answer to", id, m)
            return m

    def call(self, method, params=None, **more):
        return self.answer(self.ask(method, params, **more))

    def ok(self, method, params=None, **more):
        m = self.call(method, params, **more)
        check(m["ok"], method, m)
        return m["result"]

    def err(self, method, params=None, **more):
        m = self.call(method, params, **more)
        check(not m["ok"], method, "should fail:", m)
        return m["error"]["code"]

    def event(self):
        return self.events.pop(0) if self.events else self.message()

    def connect(self, **params):
        return self.ok("connect", {"protocol": {"min": 1, "max": 1}, **params})


def connected(server, token="admin", **params):
    w = Ws(server, token)
    w.hello = w.connect(**params)
    return w


def until(seconds, fn, what):
    end = time.monotonic() + seconds
    while not fn():
        if time.monotonic() > end:
            raise Bad("not within %d s: %s" % (seconds, what))
        time.sleep(0.02)
