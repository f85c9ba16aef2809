"""Plumbing without business words, shared by the four services. Imports no context."""

import sys

# structlog loads rich for coloured tracebacks wherever it is installed, as it is where there are tests: 6 MiB and a tenth of a
# second of every process, for nothing. So it does not find it; whoever needs rich does.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401

    del sys.modules["rich"]
