#!/bin/sh
# console_server - what the server does for the web console: its files, and logins of which neither half counts alone.
# sanitizers: yes
exec python3 -B "$(dirname "$0")/console_server.py"
