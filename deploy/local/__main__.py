"""`python -m deploy.local up | load | status | reset`."""

from __future__ import annotations

import argparse
import sys

import grpc

from deploy.local.cdnow import ORDERS_COUNT, DataMissing
from deploy.local.commands import load, reset, status, up
from deploy.local.loader import LoadError
from deploy.local.process import ProcessError
from deploy.local.state import DataFolderError


def _orders(value: str) -> int:
    return ORDERS_COUNT if value == "all" else int(value)


def main() -> int:
    """Runs one command. Exit code 1, and the reason without a traceback, when it cannot do its work."""
    parser = argparse.ArgumentParser(prog="deploy.local", description="Onefold on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything; Ctrl-C stops it")
    loading = commands.add_parser("load", help="load CDNOW orders into the running stack")
    loading.add_argument("--orders", type=_orders, default=ORDERS_COUNT, metavar="N|all")
    loading.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no further customer after this time"
    )
    commands.add_parser("status", help="addresses and processes of the running stack")
    commands.add_parser("reset", help="delete the data")
    options = parser.parse_args()
    try:
        if options.command == "load":
            load(options.orders, options.seconds)
        else:
            {"up": up, "status": status, "reset": reset}[options.command]()
    except (ProcessError, DataFolderError, LoadError, DataMissing) as error:
        print(error, file=sys.stderr)
        return 1
    except grpc.RpcError as error:
        print(f"a service refused: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
