"""From the images, in containers without rights: an order makes a member, accounts become one; then what the containers may and take (H6).

`make images-test`; not a part of `make test`, which needs neither podman nor docker.
"""

from __future__ import annotations

import time

import pytest

from tests.containers.system import LASTING, OURS, Containers
from tests.e2e.test_merges import test_three_accounts_are_merged_by_keyboard_alone
from tests.e2e.test_orders import (
    test_a_paid_order_with_a_new_customer_makes_a_member_who_must_confirm,
    test_an_unpaid_order_for_a_member_found_by_keyboard_is_paid_later,
)

__all__ = [
    "test_a_paid_order_with_a_new_customer_makes_a_member_who_must_confirm",
    "test_an_unpaid_order_for_a_member_found_by_keyboard_is_paid_later",
    "test_three_accounts_are_merged_by_keyboard_alone",
]
pytestmark = [pytest.mark.timeout(300)]
_GRACE_SECONDS = 30
_LOOK = """
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs):' /proc/1/status
touch /opt/onefold/app/x 2>/dev/null && echo 'root file system is writable'
touch /tmp/x || echo '/tmp is not writable'
for program in cc gcc make git; do command -v $program && echo "$program is there"; done
find / -xdev '(' -path '*/.cache/pip' -o -path '*/site-packages/pytest' -o -path '/opt/onefold/*/tests' ')' -print 2>/dev/null
true
"""


@pytest.mark.parametrize("name", OURS)
def test_a_container_has_no_rights_and_nothing_that_it_does_not_need(stack: Containers, name: str) -> None:
    """Nobody's user, no capability, a root file system that is read only, no compiler, no cache of packages, no tests."""
    seen = stack.execute(name, "sh", "-c", _LOOK).splitlines()
    assert seen == [
        "Uid:\t10001\t10001\t10001\t10001",
        *(f"Cap{each}:\t{0:016x}" for each in ("Eff", "Bnd")),
        "NoNewPrivs:\t1",
    ]


def test_a_store_is_opened_by_the_operator(stack: Containers) -> None:
    """By the program that the README names; a second one of the name is refused."""
    wish = (
        *("--profile", "tools", "run"),
        "--rm",
        "--no-deps",
        "store",
        "--slug=tea-house",
        "--name=Tea House",
        "--owner-name=Ada Wong",
        "--owner-email=ada@tea.example",
    )
    assert "store tea-house, e-mail ada@tea.example, password " in stack.compose(*wish)


def test_memory_stays_below_its_limit_and_nothing_is_started_twice(
    stack: Containers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed for the README. A container that was killed for its memory would have been started again."""
    found = stack.memory()
    with capsys.disabled():
        print("\nMiB used, of: " + ", ".join(f"{name} {used}/{limit}" for name, (used, limit) in found.items()))
    for name, (used, limit) in found.items():
        assert 0 < used < 0.8 * limit, name
        assert stack.inspect(name, "{{.RestartCount}} {{.State.OOMKilled}}") == "0 false", name


def test_every_process_ends_in_good_order_within_its_grace(stack: Containers) -> None:
    """SIGTERM to the first process of the container, which is the process itself."""
    for name in LASTING:
        began = time.monotonic()
        stack.stop(name, _GRACE_SECONDS)
        assert time.monotonic() - began < _GRACE_SECONDS, name
        assert stack.inspect(name, "{{.State.ExitCode}}") == "0", f"{name}: {stack.log(name)[-2_000:]}"
        assert "Traceback" not in stack.log(name), name
