"""Runs jobs with the Livy client from PyPI, as a script of a user would: create a batch, wait for it, maybe once more.

A script for the Python of ``build/airflow/livy``; it imports nothing of this project.  Jobs come and events go as
:mod:`emr_drill.clients.airflow_worker` says.
"""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import requests
from livy import LivyBatch, SessionState

_lock = threading.Lock()


def tell(job: str, event: str, attempt: int, **more: Any) -> None:
    """One line."""
    line = json.dumps({"job": job, "event": event, "try": attempt, "at": time.monotonic(), **more})
    with _lock:
        print(line, flush=True)


def status_of(error: Exception) -> int | None:
    """The HTTP status that *error* carries."""
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def once(job: dict[str, Any], attempt: int) -> bool:
    """One try; whether the script calls it a success."""
    key = job["key"]
    try:
        batch = LivyBatch.create(
            f"http://{job['host']}:{job['port']}",
            file=job["file"],
            args=job["args"],
            name=f"{key}-try{attempt}",
            spark_conf=job["conf"],
        )
    except (requests.RequestException, ValueError) as error:
        tell(key, "refused", attempt, status=status_of(error), error=str(error)[:500])
        return False
    tell(key, "posted", attempt, id=batch.batch_id)
    try:
        if job["limit"]:
            time.sleep(job["limit"])
            tell(key, "deletes", attempt, id=batch.batch_id)
            batch.kill()
            tell(key, "deleted", attempt, id=batch.batch_id)
            return True
        state = batch.wait()
    except (requests.RequestException, ValueError) as error:
        tell(key, "status", attempt, status=status_of(error), error=str(error)[:500])
        return False
    tell(key, "terminated", attempt, state=state.value)
    return state is SessionState.SUCCESS


def run(job: dict[str, Any]) -> None:
    """All tries of one job."""
    for attempt in range(1, job["retries"] + 2):
        done = once(job, attempt)
        last = done or attempt == job["retries"] + 1
        tell(job["key"], "try ended", attempt, state="success" if done else "failed" if last else "retry")
        if last:
            tell(job["key"], "ended", attempt, state="success" if done else "failed")
            return
        time.sleep(job["retry_delay"])


def main() -> int:
    """Read jobs until the input ends, then wait for them."""
    print(json.dumps({"job": "", "event": "ready"}), flush=True)
    threads = []
    for line in sys.stdin:
        threads.append(threading.Thread(target=run, args=(json.loads(line),)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
