#!/bin/sh
# ws_gateway - the API over a WebSocket: every method and who may call it, event streams that lose and repeat nothing across
# kill -9, slow clients, limits. Every frame the server sends is checked against /openapi.json.
# sanitizers: yes
exec python3 -B "$(dirname "$0")/ws_gateway.py"
