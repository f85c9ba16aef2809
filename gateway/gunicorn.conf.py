"""gunicorn: threads, because a request mostly waits for services; no preload, because channels must be opened after the fork."""

# ruff: noqa: N999 - the name is what gunicorn's people look for

import gc
import logging
import os
import sys
from pathlib import Path

from gateway.config import Settings
from services.common.config import ConfigError, Environment
from services.common.telemetry import exposition

bind = os.environ.get("ONEFOLD_LISTEN") or "127.0.0.1:8000"
# gunicorn's threads, where slow clients hold none (gateway/worker.py).
worker_class = "gateway.worker.PatientWorker"
# The kernel sends a file as slowly as its client reads, and the thread waits; files of ours are small enough to be kept for them.
sendfile = False
workers = int(os.environ.get("ONEFOLD_GATEWAY_WORKERS") or 1)
# As many as orders and membership have connections. More requests at a time are not answered faster, they wait further inside, where
# nobody keeps their order: with 32 threads the slowest of a hundred orders took 2.4 times the median, with 16 it takes 1.7 to 2.1.
threads = int(os.environ.get("ONEFOLD_GATEWAY_THREADS") or 16)
preload_app = False
# The most that gunicorn allows: 200 characters of Chinese are 1,800 bytes of an address. Above it comes 414 (gateway/api/base.py).
limit_request_line = 8190
# Longer than what load balancers keep a connection idle, so that they close it and not we.
keepalive = 75
# Above the budget of one request, below Kubernetes' grace period of 30 s.
graceful_timeout = 20
timeout = 60
# The heartbeat file in memory: on a disk that hangs the worker would be taken for dead.
_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes its file there safely
worker_tmp_dir = str(_MEMORY) if _MEMORY.is_dir() else None
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"


# Bound once; each worker inherits it.
_metrics = None


def on_starting(_server: object) -> None:
    """Fails here, by the variable's name, and not in worker after worker."""
    global _metrics
    try:
        Settings.read(Environment())
        _metrics = exposition.bind(Environment())
        if _metrics:
            exposition.share_among_processes()
    except ConfigError as error:
        sys.stderr.write(f"gateway: {error}\n")
        sys.exit(2)


def on_exit(_server: object) -> None:
    """Nobody will ask for what the workers counted."""
    exposition.forget_shared()


def post_worker_init(_worker: object) -> None:
    """Serves metrics; has gunicorn's own words logged as ours are: they repeat addresses, in which names and tokens may be.

    What has been loaded stays: no collection of garbage, which holds up all requests, need look through it.
    """
    if _metrics:
        exposition.serve(_metrics)
    own = logging.getLogger("gunicorn.error")
    own.handlers.clear()
    own.propagate = True
    gc.collect()
    gc.freeze()
