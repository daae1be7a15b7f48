#!/bin/sh
# Runs one task and outlives the agent that asked for it.
#
#     berth-shim.sh RUN_FOLDER PROGRAM [ARGUMENT...]
#
# The files it leaves in RUN_FOLDER are the only truth about the run:
#
#     claim   "PID STARTTIME" of this shim. Created exclusively: of any number of shims, and of an
#             agent that wants no run at all, exactly one gets it. The others leave without a trace.
#     child   "PID STARTTIME" of the task, written before the first instruction of its program.
#     exit    "pending", then the wait status of the shell: 0 to 255, above 128 a signal.
#
# A record counts once its line is complete. `exit` gets its room on the disk before the task
# starts and is overwritten in place, so that a full disk cannot swallow the status.
# Only builtins are used: the task's PATH may hold anything.

# Prints pid and start time of the shell that runs it, a subshell included.
identity() {
  read -r line </proc/self/stat
  set -- ${line##*) }
  shift 19
  echo "${line%% *} $1"
}

run=$1
shift
exec 3>&1 4>&2 >/dev/null 2>&1
# Handlers, not '': an ignored signal would be ignored by the task as well.
trap : HUP INT QUIT TERM ALRM USR1 USR2
set -fC
identity >"$run/claim" || exit 0
set +C
echo pending >"$run/exit" || exit 0
# In the foreground: a background task would start with SIGINT and SIGQUIT ignored.
(identity >"$run/child" && exec "$@" >&3 2>&4 3>&- 4>&-)
printf '%-7s\n' $? 1<>"$run/exit"
