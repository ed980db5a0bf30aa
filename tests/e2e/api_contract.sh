#!/bin/sh
# api_contract - what the server answers is what /openapi.json says, over every route; replays, pages, streams and /docs.
# sanitizers: yes
exec python3 -B "$(dirname "$0")/api_contract.py"
