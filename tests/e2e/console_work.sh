#!/bin/sh
# console_work - the main job in the console, by mouse and by keyboard, and the pages it leads over (console.sh).
# alone: yes
exec "$(dirname "$0")/console.sh" --files main_job,run,planner,inbox
