#!/bin/sh
# ws_clients - clients that others wrote follow runs across kill -9 of the server: npm's ws and eventsource, and Chromium.
set -eu
CLIENTS=$("$(dirname "$0")/../../tools/clients")
export CLIENTS
exec node "$(dirname "$0")/clients/clients.mjs"
