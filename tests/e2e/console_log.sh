#!/bin/sh
# console_log - the console's log viewer: attacks, keys, a server that is killed, a million lines (console.sh).
exec "$(dirname "$0")/console.sh" --files log
