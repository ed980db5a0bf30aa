#!/bin/sh
# console_log - the console's log viewer: attacks, keys, a server that is killed, a million lines (console.sh).
# alone: yes
exec "$(dirname "$0")/console.sh" --files log
