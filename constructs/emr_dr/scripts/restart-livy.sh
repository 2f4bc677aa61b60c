#!/usr/bin/env bash
# Restart Livy on this primary.  Its recovery store keeps ids and batches, and YARN keeps the applications running.
#
# usage: restart-livy.sh
set -euo pipefail

sudo systemctl restart livy-server
echo "restart-livy.sh: Livy was restarted"
