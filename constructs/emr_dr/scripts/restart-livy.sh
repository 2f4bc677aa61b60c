#!/usr/bin/env bash
# Restart Livy on this primary.  Its recovery store keeps ids and batches, and YARN keeps the applications running.
#
# usage: restart-livy.sh
#
# Livy is killed and not asked to stop.  A stop lets what hangs run on for a moment: requests that had waited in it would
# still be taken, and what they start would be ended with it; their clients were told nothing, would look for their job,
# find it, and read that it failed.  Killed, Livy takes nothing more, and its clients send their jobs again.  The
# recovery store is written before a batch gets its id, so that nothing is lost.
set -euo pipefail

if (($#)); then
  echo "restart-livy.sh takes no arguments, got: $*" >&2
  exit 2
fi

# There may be nothing left to kill; whether Livy runs in the end is what counts.
sudo systemctl kill --signal=SIGKILL livy-server || true
# Waits until nothing of it is left, and keeps systemd from starting it in between.
sudo systemctl stop livy-server || true
# A Livy that died too often in a row is not started again before this.
sudo systemctl reset-failed livy-server || true
sudo systemctl start livy-server
echo "restart-livy.sh: Livy was restarted"
