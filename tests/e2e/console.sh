#!/bin/sh
# console - the web console in Debian's Chromium against the real server: every tests/console/*.test.mjs.
#   tests/e2e/console.sh [PART OF A FILE'S OR A TEST'S NAME]
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
PACKAGES=$("$HERE/../../tools/clients" tests/console)
export PACKAGES
exec node "$HERE/../console/run.mjs" "$@"
