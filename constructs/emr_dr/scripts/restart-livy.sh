#!/usr/bin/env bash
# Restart Livy on this primary.  Its recovery store keeps ids and batches, and YARN keeps the applications running.
#
# usage: restart-livy.sh [STOP_SECONDS]
#
# A Livy that hangs may not react to a polite stop.  systemd would wait for it for 90 s (TimeoutStopSec), and all the
# while clients get no answer: after STOP_SECONDS, 15 by default, it is killed.
set -euo pipefail

stop_seconds=${1:-15}

if [[ ! $stop_seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "restart-livy.sh: STOP_SECONDS is '$stop_seconds', allowed: a whole number from 1 on" >&2
  exit 2
fi

if ! sudo timeout "$stop_seconds" systemctl stop livy-server; then
  echo "restart-livy.sh: Livy did not stop within $stop_seconds s and is killed"
  # It may have stopped at this very moment; whether Livy runs in the end is what counts.
  sudo systemctl kill --signal=SIGKILL livy-server || true
fi
# A Livy that died too often in a row is not started again before this.
sudo systemctl reset-failed livy-server || true
sudo systemctl start livy-server
echo "restart-livy.sh: Livy was restarted"
