"""ws - see ws.sh. Every byte is made by hand (ws_lib.py); every JSON frame is checked against /openapi.json."""
import json
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_lib import OTHER_TOKEN, Bad, Results, Schemas, Server, Skip, check, run_main  # noqa: E402
from ws_lib import (BINARY, CLOSE, CONT, PING, PONG, TEXT, Closed, Refused, Ws, close_frame, connected, frame,  # noqa: E402
                    until)


# ---- the handshake (RFC 6455, 4.2.1) ---------------------------------------------

def refused(server, status, code=None, **how):
    try:
        Ws(server, **how).close()
    except Refused as why:
        check(why.status == status, "refused with", why, "should be", status, how)
        check(code is None or json.loads(why.body)["error"]["code"] == code, why)
        return why
    raise Bad("the handshake was taken: %s" % how)


def handshake(s):
    for headers in ({"Upgrade": None}, {"Upgrade": "h2c"}, {"Connection": "keep-alive"}, {"Connection": None}):
        why = refused(s, 426, "upgrade_required", headers=headers)
        check(why.headers.get("upgrade") == "websocket" and "upgrade" in why.headers["connection"].lower(), why.headers)
    for version in (None, "8", "0", "14", "13, 8", "x"):
        why = refused(s, 426, "upgrade_required", headers={"Sec-WebSocket-Version": version})
        check(why.headers.get("sec-websocket-version") == "13", why.headers)
    for key in (None, "", "x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAA=", "A" * 24,
                "AAAAAAAAAAAAAAAAAAAAAA==AA", "AAAAAAAAAAA AAAAAAAAAAA=="):
        refused(s, 400, "invalid_request", headers={"Sec-WebSocket-Key": key})
    refused(s, 426, version="HTTP/1.0")
    refused(s, 401, "unauthorized", token="sp_" + "x" * 43)
    refused(s, 401, "unauthorized", headers={"Authorization": "Basic eDp5"})
    refused(s, 403, "host_not_allowed", headers={"Host": "evil.example"})
    refused(s, 403, "host_not_allowed", headers={"Origin": "https://evil.example"})
    refused(s, 403, "host_not_allowed", headers={"Origin": "null"})
    refused(s, 400, "unknown_field", path="/api/v1/ws?token=x")
    for method in ("POST", "PUT"):
        refused(s, 405, method=method, headers={"Content-Length": "0"})
    own = "http://%s:%d" % (s.host, s.port)
    for headers in ({}, {"Origin": own}, {"Connection": "keep-alive, Upgrade"}, {"Upgrade": "WebSocket", "Connection": "UPGRADE"},
                    {"Upgrade": "foo, websocket"}, {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}):
        w = Ws(s, headers=headers)
        check("sec-websocket-protocol" not in w.headers, w.headers)
        w.connect()
        w.close()
    w = Ws(s, headers={"Sec-WebSocket-Protocol": "chat, sallyport.v1"})
    check(w.headers["sec-websocket-protocol"] == "sallyport.v1", w.headers)
    w.close()
    w = Ws(s, headers={"Sec-WebSocket-Protocol": "chat, Sallyport.v1"})
    check("sec-websocket-protocol" not in w.headers, "names are case-sensitive", w.headers)
    w.close()
    w = Ws(s, first=frame(TEXT, json.dumps({"type": "req", "id": "early", "method": "connect",
                                            "params": {"protocol": {"min": 1, "max": 1}}})))
    check(w.message()["id"] == "early", "bytes behind the handshake are lost")
    w.close()


def twice_in_the_head(s):
    """Fields that may come once; what would split a request in two."""
    w = Ws(s, open_now=False, headers={"X": "1\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="})
    try:
        w.handshake()
        raise Bad("two keys were taken")
    except Refused as why:
        check(why.status == 400, why)


# ---- frames (5) --------------------------------------------------------------------

def says(s, data, code, name):
    """After these bytes the server closes with this code."""
    w = connected(s)
    w.send(data)
    got = w.ended()
    check(got == code, name, ": closed with", got, "should be", code)


ASK = json.dumps({"type": "req", "id": "x", "method": "ping"})


def answered(s, *pieces, name="", pause=0):
    """These bytes are a ping request, and the connection goes on."""
    w = connected(s)
    for p in pieces:
        w.send(p)
        if pause:
            time.sleep(pause)
    m = w.message()
    check(m["id"] == "x" and m["ok"], name, m)
    w.ok("ping")
    w.send(close_frame())
    check(w.ended() == 1000, name, "does not close well")


def bad_frames(s):
    for rsv in (0x40, 0x20, 0x10, 0x70):
        says(s, frame(TEXT, ASK, rsv=rsv), 1002, "reserved bit %x" % rsv)
    for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        says(s, frame(op, b""), 1002, "opcode %d" % op)
    says(s, frame(TEXT, ASK, masked=False), 1002, "no mask")
    says(s, frame(PING, b"", masked=False), 1002, "a ping without mask")
    says(s, frame(CLOSE, b"", masked=False), 1002, "a Close without mask")
    for op in (PING, PONG, CLOSE):
        says(s, frame(op, b"", fin=False), 1002, "a fragmented control frame")
        says(s, frame(op, b"x" * 126), 1002, "a long control frame")
        says(s, frame(op, b"x", length=b"\x7e\x00\x01"), 1002, "a control frame with a long length")
    says(s, frame(TEXT, b"x", length=b"\x7e\x00\x01"), 1002, "16 bits for 1")
    says(s, frame(TEXT, b"x" * 125, length=b"\x7e\x00\x7d"), 1002, "16 bits for 125")
    says(s, frame(TEXT, b"x", length=b"\x7f" + struct.pack(">Q", 1)), 1002, "64 bits for 1")
    says(s, frame(TEXT, b"", length=b"\x7f" + struct.pack(">Q", 65535)), 1002, "64 bits for 65535")
    says(s, frame(TEXT, b"", length=b"\x7f" + struct.pack(">Q", 1 << 63)), 1002, "the highest bit")
    says(s, frame(TEXT, b"", length=b"\x7f" + struct.pack(">Q", (1 << 64) - 1)), 1002, "all bits")
    for n in ((1 << 63) - 1, 1 << 40, 1 << 32, 1 << 31, 5 << 20):
        says(s, frame(TEXT, b"", length=b"\x7f" + struct.pack(">Q", n)), 1009, "%d bytes announced" % n)
    says(s, frame(BINARY, b"x"), 1003, "binary")
    says(s, frame(BINARY, b"", fin=False), 1003, "fragmented binary")
    says(s, frame(CONT, b"x"), 1002, "a continuation of nothing")
    says(s, frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002, "a message inside a message")
    says(s, frame(TEXT, ASK) + frame(CONT, b"b"), 1002, "a continuation after the end")


def fragments(s):
    a = [ASK[i:i + 1] for i in range(len(ASK))]
    answered(s, frame(TEXT, ASK))
    answered(s, b"".join([frame(TEXT, "", fin=False)] + [frame(CONT, c, fin=False) for c in a] + [frame(CONT, "")]), name="bytes")
    answered(s, frame(TEXT, ASK[:9], fin=False), frame(CONT, ASK[9:]), name="two", pause=0.02)
    answered(s, frame(TEXT, ASK[:9], fin=False) + b"".join(frame(CONT, b"", fin=False) for _ in range(5000)) +
             frame(CONT, ASK[9:]), name="empty ones between")
    answered(s, *[frame(TEXT, ASK)[i:i + 1] for i in range(len(frame(TEXT, ASK)))], name="one byte at a time", pause=0.001)
    for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\x01\x00\x01"):
        answered(s, frame(TEXT, ASK, mask=mask))
    for pad in (0, 80, 65535 - len(ASK), 65536 - len(ASK), 1 << 20):
        answered(s, frame(TEXT, ASK + " " * pad), name="%d more" % pad)
    w = connected(s)  # a ping, a pong and pings again inside of a message
    w.send(frame(TEXT, ASK[:5], fin=False) + frame(PING, b"one"))
    f = w.frame()
    check(f.op == PONG and f.data == b"one", "not the pong", f)
    w.send(frame(PONG, b"unasked") + frame(CONT, ASK[5:9], fin=False) + frame(PING, b"x" * 125))
    f = w.frame()
    check(f.op == PONG and f.data == b"x" * 125, "not the pong", f)
    w.send(frame(CONT, ASK[9:]))
    check(w.message()["id"] == "x", "the message in between")
    w.send(frame(TEXT, ASK[:5], fin=False) + close_frame(1001))
    check(w.ended() == 1001, "a Close inside of a message")


def text_is_utf8(s):
    ok = json.dumps({"type": "req", "id": "x", "method": "ping", "traceparent": "\u20ac\U0001f600 \u00e9"}, ensure_ascii=False).encode()
    at = ok.index(b"\xe2\x82\xac")
    for cut in range(at, at + 9):  # split inside of characters, with a ping between
        answered(s, frame(TEXT, ok[:cut], fin=False), frame(PONG, b""), frame(CONT, ok[cut:]))
    for bad in (b"\x80", b"\xc0\xaf", b"\xc1\x81", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
                b"\xff", b"\xe2\x82", b"\xf0\x9f\x98"):
        says(s, frame(TEXT, b'"' + bad), 1007, repr(bad))
        says(s, frame(TEXT, bad[:1], fin=False) + frame(CONT, bad[1:] + b"\x00"), 1007, repr(bad) + " in two")
    for early in (b"\xe2\x28", b"\xf4\x90", b"\xed\xa0"):  # known before the message ends, however long that takes
        says(s, frame(TEXT, early, fin=False), 1007, "early " + repr(early))


def closing(s):
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
        says(s, close_frame(code, b"bye"), code, "Close %d" % code)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        says(s, close_frame(code), 1002, "Close %d" % code)
    says(s, frame(CLOSE, b""), None, "Close without a code")
    says(s, frame(CLOSE, b"\x03"), 1002, "half a code")
    says(s, close_frame(1000, b"\xe2\x82"), 1007, "a reason that is not UTF-8")
    says(s, close_frame(1000, b"x" * 123), 1000, "the longest reason")
    says(s, close_frame() + frame(TEXT, b"\xff") + b"\xff" * 100000, 1000, "garbage after Close")
    w = connected(s)  # half-closed: Close, then FIN; ours still comes
    w.send(close_frame(1000))
    w.sock.shutdown(socket.SHUT_WR)
    check(w.ended() == 1000, "after FIN")
    w = connected(s)  # what was asked before Close is answered before Close
    for i in range(5):
        w.ask("ping")
    w.send(close_frame(1000))
    check([w.message()["id"] for _ in range(5)] == ["q%d" % i for i in range(2, 7)], "answers before Close")
    check(w.ended() == 1000, "and then it")
    w = connected(s)  # gone without a word
    w.sock.shutdown(socket.SHUT_WR)
    check(w.ended() is None, "FIN without Close")
    w = connected(s)
    w.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    w.close()


def limits(s):
    w = connected(s)
    n = w.hello["limits"]["message_bytes"]
    w.send(frame(TEXT, ASK + " " * (n - len(ASK))))
    check(w.message()["id"] == "x", "the largest message")
    w.close()
    says(s, frame(TEXT, b" " * (n + 1)), 1009, "one byte more")
    w = connected(s)  # over the limit in small pieces
    w.send(frame(TEXT, b"", fin=False))
    try:
        for _ in range(n // 65536 + 2):
            w.send(frame(CONT, b" " * 65536, fin=False))
    except OSError:
        pass
    check(w.ended() in (1009, None), "in pieces")  # None: our own bytes were still on their way and reset what it said


def memory(s):
    """Half of what bodies may have: requests over HTTP go on."""
    held = []
    for _ in range(12):
        w = connected(s)
        try:
            w.send(frame(TEXT, b" " * 4000000, fin=False))
        except OSError:
            pass
        held.append(w)
    a = s.request("POST", "/api/v1/policy/test", {"command": "x" * 60000})
    check(a.status == 200, "a request over HTTP", a)
    check(sum(w.ended() == 1013 for w in held[-4:]) > 0, "the last ones are told to come later")
    for w in held:
        w.close()


def pings(s):
    w = connected(s)
    for data in (b"", b"a", b"x" * 125, bytes(range(125))):
        w.send(frame(PING, data))
        f = w.frame()
        check(f.op == PONG and f.data == data and f.fin, "pong", f)
    w.send(frame(PING, b"1") + frame(PING, b"2") + frame(PING, b"3"))  # the last one must be answered (5.5.3)
    seen = [w.frame().data]
    while seen[-1] != b"3":
        seen.append(w.frame().data)
    check(seen == sorted(seen) and len(seen) <= 3, seen)
    w.close()
    w = connected(s)  # a flood that is never read: the server's memory does not grow with it
    try:
        for _ in range(200):
            w.send(frame(PING, b"x" * 125) * 50)
    except OSError:
        pass
    check(w.ended() in (1008, None), "a flood of pings")


def guests(s):
    """Who does not say who it is has few seconds and few bytes."""
    t = time.monotonic()
    w = Ws(s, token=None)
    check(w.ended() == 1008 and 4 < time.monotonic() - t < 15, "a silent guest", time.monotonic() - t)
    w = Ws(s, token=None)
    w.send(frame(TEXT, b" " * 20000))
    check(w.ended() in (1008, 1009), "a talkative guest")
    t = time.monotonic()
    w = Ws(s, token=None)  # pings do not buy time
    try:
        while time.monotonic() - t < 20:
            w.send(frame(PING, b""))
            time.sleep(0.3)
            w.sock.setblocking(False)
            try:
                w.buf += w.sock.recv(65536)
            except BlockingIOError:
                pass
            w.sock.setblocking(True)
    except OSError:
        pass
    check(time.monotonic() - t < 15, "pings bought time")
    w.close()
    crowd = [Ws(s, token=None) for _ in range(60)]  # 50 may wait, the oldest make room; who says at once who it is, comes in
    connected(s).close()
    crowd[59].connect(token=s.admin)
    check(crowd[0].ended() == 1013, "the oldest of too many")
    for w in crowd:
        w.close()
    for first, code in ((ASK, "invalid_state"), ("[]", "invalid_request"), ("{", "invalid_json"),
                        (json.dumps({"type": "req", "id": "x", "method": "connect"}), "invalid_request"),
                        (json.dumps({"type": "req", "id": "x", "method": "connect", "params": {
                            "protocol": {"min": 1, "max": 1}, "token": "sp_" + "x" * 43}}), "unauthorized"),
                        (json.dumps({"type": "req", "id": "x", "method": "connect", "params": {
                            "protocol": {"min": 1, "max": 1}}}), "unauthorized"),
                        (json.dumps({"type": "req", "id": "x", "method": "connect", "params": {
                            "protocol": {"min": 2, "max": 9}}}), "protocol_unsupported")):
        w = Ws(s, token=None)
        w.send(frame(TEXT, first))
        check(w.message()["error"]["code"] == code, first)
        check(w.ended() == 1008, first)
    w = Ws(s, token=None)
    check(w.connect(token=s.admin)["scopes"][-1] == "admin", "the token in connect")
    w.close()


def main():
    r, s = Results(), Server("--max-connections", "100")
    for name, fn in (("the handshake is RFC 6455's, for this host and this origin only", handshake),
                     ("a field that may come once comes once", twice_in_the_head),
                     ("frames that break a rule close with its code", bad_frames),
                     ("messages come whole, however they are cut, and control frames go between", fragments),
                     ("text is UTF-8, checked as it comes", text_is_utf8),
                     ("Close is answered, and only by what may be said", closing),
                     ("a message has a limit, announced or not", limits),
                     ("messages that never end do not take all the memory for bodies", memory),
                     ("pings are answered, floods of them end", pings),
                     ("guests have few seconds and few bytes", guests)):
        r.case(name, fn, s)
    r.case("the server lived through it", lambda: check(s.stop() == 0, s.log()))
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
