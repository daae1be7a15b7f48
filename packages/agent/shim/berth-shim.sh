#!/bin/sh
# Runs one task and outlives the agent that asked for it.
#
#     berth-shim.sh [-j FILE]... RUN_FOLDER PROGRAM [ARGUMENT...]
#
# With -j the task writes 0 into each FILE, which makes it a member of a control group, before it
# becomes its program. If it cannot, the status is 125 and there is no child. The shim itself stays
# outside: what kills the task, for its memory or as a whole, leaves the shim to record the end.
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
# Only builtins are used: the task's PATH may hold anything. Only variables that no task may set are
# used either: one that the task had would reach it changed.

# Prints pid and start time of the shell that runs it, a subshell included.
identity() {
  read -r BERTH_stat </proc/self/stat
  set -- ${BERTH_stat##*) }
  shift 19
  echo "${BERTH_stat%% *} $1"
}

set -f
BERTH_join=
while [ "$1" = -j ]; do
  BERTH_join="$BERTH_join $2"
  shift 2
done
BERTH_run=$1
shift
exec 3>&1 4>&2 >/dev/null 2>&1
# Handlers, not '': an ignored signal would be ignored by the task as well.
trap : HUP INT QUIT TERM ALRM USR1 USR2
set -C
identity >"$BERTH_run/claim" || exit 0
set +C
echo pending >"$BERTH_run/exit" || exit 0
# In the foreground: a background task would start with SIGINT and SIGQUIT ignored.
(
  for BERTH_file in $BERTH_join; do echo 0 >"$BERTH_file" || exit 125; done
  identity >"$BERTH_run/child" && exec "$@" >&3 2>&4 3>&- 4>&-
)
printf '%-7s\n' $? 1<>"$BERTH_run/exit"
