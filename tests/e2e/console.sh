#!/bin/sh
# console - the web console in Debian's Chromium against the real server: tests/console/*.test.mjs, but for those that
# console_log.sh and console_work.sh play, so that none of the three comes near the time a script has.
#   tests/e2e/console.sh [PART OF A FILE'S OR A TEST'S NAME | --files NAME,NAME…]    of all of them
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
PACKAGES=$("$HERE/../../tools/clients" tests/console)
export PACKAGES
[ $# -gt 0 ] || set -- --but log,main_job,run,inbox,planner
exec node "$HERE/../console/run.mjs" "$@"
