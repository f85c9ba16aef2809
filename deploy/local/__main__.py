"""`python -m deploy.local up | load | members | status | reset`."""

from __future__ import annotations

import argparse
import signal
import sys


def main() -> int:
    """Runs one command. Exit code 1, and the reason without a traceback, when it cannot do its work."""
    # Until a command has something to stop, Ctrl-C just ends us. Hence the imports below: they take half a second.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = _options()
    import grpc

    from deploy.local import commands
    from deploy.local.cdnow import ORDERS_COUNT, DataMissing
    from deploy.local.loader import LoadError
    from deploy.local.process import ProcessError
    from deploy.local.state import DataFolderError

    try:
        if options.command == "load":
            commands.load(ORDERS_COUNT if options.orders == "all" else int(options.orders), options.seconds)
        elif options.command == "members":
            commands.members(options.count, options.store)
        else:
            {"up": commands.up, "status": commands.status, "reset": commands.reset}[options.command]()
    except (ProcessError, DataFolderError, LoadError, DataMissing) as error:
        print(error, file=sys.stderr)
        return 1
    except grpc.RpcError as error:
        print(f"a service refused: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy.local", description="Onefold on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything; Ctrl-C stops it")
    loading = commands.add_parser("load", help="load CDNOW orders into the running stack")
    loading.add_argument("--orders", type=_count, default="all", metavar="N|all")
    loading.add_argument("--seconds", type=float, default=float("inf"), help="begin no further customer after this")
    filling = commands.add_parser(
        "members", help="fill a store of the running stack with made-up customers, for measuring"
    )
    filling.add_argument("--count", type=int, default=1_000_000)
    filling.add_argument("--store", default="", metavar="NAME", help="its short name (default: the demo store)")
    commands.add_parser("status", help="addresses and processes of the running stack")
    commands.add_parser("reset", help="delete the data")
    return parser.parse_args()


def _count(value: str) -> str:
    if value != "all" and not (value.isascii() and value.isdecimal()):
        raise argparse.ArgumentTypeError("a number, or all")
    return value


if __name__ == "__main__":
    sys.exit(main())
