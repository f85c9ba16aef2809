"""What a run was and what it showed, for programs (JSON) and for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tests.faults.soak.reckoning import Verdicts
from tests.faults.soak.soak import Soak

_MOST = 20


def document(soak: Soak, verdicts: Verdicts, minutes: float, left_out: list[str]) -> dict[str, Any]:
    """Everything, in plain values."""
    injector, history = soak.injector, soak.history
    recoveries = soak.recoveries()
    longest: dict[str, float] = {}
    for happened, seconds in recoveries:
        longest.setdefault(happened.fault.kind, round(seconds, 2))
    return {
        "seed": soak.seed,
        "minutes": minutes,
        "holds": holds(soak, verdicts),
        "left_out": left_out,
        "operations": history.by_flow(),
        "refusals": dict(history.refusals.most_common()),
        "defects": dict(history.defects),
        "given_up": soak.world.given_up,
        "longest_wait_seconds": round(history.longest_wait, 1),
        "faults": injector.counts(),
        "faults_by_victim": _by_victim(soak),
        "ended_by_itself": dict(injector.ended),
        "broker_started_again_after_full_disk": injector.probed,
        "longest_recovery_seconds": longest,
        "unknown_at_the_end": verdicts.unknown,
        "unknown_that_stand_after_a_repeat": verdicts.stood,
        "settled_seconds": round(verdicts.settled_seconds, 1),
        "events_published_again": verdicts.republished,
        "waited_for_seconds": verdicts.waited_for,
        "errors_in_logs": soak.logs.errors(),
        "messages": verdicts.messages,
        "webhooks": verdicts.webhooks,
        "cores": round(soak.samples.cores(), 2),
        "memory": {name: asdict(slope) for name, slope in soak.samples.slopes().items()},
        "audit": [
            {"invariant": v.letter, "sentence": v.sentence, "checked": v.checked, "broken": v.broken}
            for v in verdicts.invariants
        ],
        "wrong": verdicts.wrong,
        "troubles": [f"{type(each).__name__}: {each}" for each in (*soak.troubles, *injector.troubles)],
    }


def holds(soak: Soak, verdicts: Verdicts) -> bool:
    """Whether everything is as it must be, and all that was planned came about."""
    return not (verdicts.wrong or soak.troubles or soak.injector.troubles or soak.history.defects)


def _by_victim(soak: Soak) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for happened in soak.injector.happened:
        victims = found.setdefault(happened.fault.kind, {})
        victims[happened.fault.victim] = victims.get(happened.fault.victim, 0) + 1
    return found


def text(report: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [f"seed {report['seed']}, {report['minutes']:g} minutes, {report['cores']} cores: " + _verdict(report)]
    lines += [f"left out: {each}" for each in report["left_out"]]
    lines += ["", f"{'operations':<16}{'ok':>8}{'failed':>8}{'unknown':>9}"]
    for flow, counts in report["operations"].items():
        lines.append(f"{flow:<16}{counts['ok']:>8,}{counts['failed']:>8,}{counts['unknown']:>9,}")
    lines += [
        f"of {report['unknown_at_the_end']} unknown, {report['unknown_that_stand_after_a_repeat']} stand after a repeat;"
        f" the longest wait for an ok was {report['longest_wait_seconds']} s; {report['given_up']} given up on the way",
        "",
        f"{'faults':<28}{'':>6}  longest recovery",
    ]
    for kind, count in sorted(report["faults"].items()):
        recovery = report["longest_recovery_seconds"].get(kind)
        lines.append(f"{kind:<28}{count:>6}  {'' if recovery is None else f'{recovery:.1f} s'}")
    lines += [
        f"at rest {report['settled_seconds']} s after the last; {report['events_published_again']} events published again",
        f"waited for: {report['waited_for_seconds'] or 'nothing'}",
        f"errors in logs: {report['errors_in_logs'] or 'none'}",
        f"ended by themselves: {report['ended_by_itself'] or 'none'}",
        f"messages {report['messages']}, webhooks {report['webhooks']}",
        "",
        f"{'memory':<22}{'MiB':>7}{'highest':>9}{'MiB/h':>8}{'later':>8}  over minutes",
    ]
    for name, slope in report["memory"].items():
        lines.append(f"{name:<22}{slope['now_mib']:>7.0f}{slope['highest_mib']:>9.0f}")
        if slope["minutes"]:
            lines[-1] += f"{slope['mib_an_hour']:>8.1f}{slope['later_mib_an_hour']:>8.1f}{slope['minutes']:>8.0f}"
        else:
            lines[-1] += "       –"
    broken = [each for each in report["audit"] if each["broken"]]
    letters = "".join(sorted({each["invariant"] for each in report["audit"]}))
    lines += ["", f"audit ({letters}): " + (f"{len(broken)} BROKEN" if broken else "clean")]
    for name in ("wrong", "troubles"):
        lines += [f"{name}: {each}" for each in report[name][:_MOST]]
    lines += [f"defect: {name}: {count}" for name, count in report["defects"].items()]
    return "\n".join(lines)


def _verdict(report: dict[str, Any]) -> str:
    return "everything holds" if report["holds"] else "NOT as it must be"


def as_json(report: dict[str, Any]) -> str:
    """For a file."""
    return json.dumps(report, indent=1, ensure_ascii=False)
