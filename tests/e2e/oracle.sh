#!/bin/bash
# The oracle of the shell analysis: 5,000 bent commands, run by real shells inside the sandbox with every exec recorded.
# The same texts each time; `make fuzz` runs 100,000 others.
exec "$(dirname "$0")/../oracle/oracle.py" "${SALLYPORT_BUILD:?the build directory}" --cases "${ORACLE_CASES:-5000}" --seed check
