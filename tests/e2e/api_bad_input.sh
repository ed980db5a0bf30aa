#!/bin/sh
# api_bad_input - every route is asked badly in every way; each answer is the documented error, and the store stays as it was.
# sanitizers: yes
exec python3 -B "$(dirname "$0")/api_bad_input.py"
