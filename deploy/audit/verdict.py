"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST_EXAMPLES = 5


@dataclass(slots=True)
class Verdict:
    """One invariant: how many things were looked at, how many break it, and a few of them by id (never personal data)."""

    letter: str
    sentence: str
    checked: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    def expect(self, holds: bool, example: str) -> None:
        """Counts one thing."""
        self.checked += 1
        if not holds:
            self.broken += 1
            if len(self.examples) < _MOST_EXAMPLES:
                self.examples.append(example)

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0
