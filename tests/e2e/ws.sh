#!/bin/sh
# ws - WebSocket: RFC 6455 rule by rule with hand-made frames, and the gateway behind it.
# sanitizers: yes
exec python3 -B "$(dirname "$0")/ws.py"
