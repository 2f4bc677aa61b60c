#!/usr/bin/env bash
# Make Livy number its batches and sessions from FIRST_ID on.
#
# usage: seed-livy.sh FIRST_ID STATE_DIRECTORY
#
# Livy reads the next id from two files of its recovery store when it starts; a missing or malformed file means 0
# (livy.server.recovery.*, StateStore and SessionStore of Livy 0.8.0).  Running this again changes nothing as long as
# both files hold FIRST_ID or more: a Livy in service is not restarted.  No counter is ever set back, also not one that
# went on beyond the range: ids that were given to jobs would be given once more.
set -euo pipefail

first_id=${1:?usage: seed-livy.sh FIRST_ID STATE_DIRECTORY}
state_directory=${2:?usage: seed-livy.sh FIRST_ID STATE_DIRECTORY}
range_size=1000000

if [[ ! $first_id =~ ^[1-9][0-9]*$ ]] || ((first_id % range_size != 0)); then
  echo "seed-livy.sh: FIRST_ID is '$first_id', allowed: a multiple of $range_size" >&2
  exit 2
fi

# Does the state file of one kind hold FIRST_ID or more?
is_seeded() {
  local content
  content=$(sudo cat "$state_directory/v1/$1/state" 2>/dev/null) || return 1
  [[ $content =~ ^\{\"nextSessionId\":([0-9]+)\}$ ]] || return 1
  ((10#${BASH_REMATCH[1]} >= first_id))
}

if is_seeded batch && is_seeded interactive; then
  echo "seed-livy.sh: Livy numbers from $first_id on already"
  exit 0
fi

# Livy writes the files too: it must not run while they are replaced.
sudo systemctl stop livy-server
for kind in batch interactive; do
  if is_seeded "$kind"; then continue; fi
  sudo mkdir -p "$state_directory/v1/$kind"
  printf '{"nextSessionId":%s}' "$first_id" | sudo tee "$state_directory/v1/$kind/state" >/dev/null
done
sudo chown -R livy:livy "$state_directory"
sudo chmod -R u=rwX,go= "$state_directory"
# Not "start", which does nothing when something that watches services has started Livy in between: that one read its
# ids before they were written.
sudo systemctl restart livy-server
echo "seed-livy.sh: Livy numbers from $first_id on"
