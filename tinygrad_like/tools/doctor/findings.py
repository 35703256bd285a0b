"""What the doctor says: findings, and reports of them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .advice import ADVICE

__all__ = ["Finding", "Report", "DoctorWarning"]


class DoctorWarning(UserWarning):
    """A finding of the TrainingDoctor, while the training goes on."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: what was seen, and where; why it matters, and what mends it."""
    name: str                                                   # "softmax-before-cross-entropy": one of ADVICE
    seen: str
    where: str = ""                                             # the path of the module, the line of the program

    @property
    def why(self) -> str:
        return ADVICE[self.name][0]

    @property
    def fix(self) -> str:
        return ADVICE[self.name][1]

    def __str__(self) -> str:
        where = f"\n    in {self.where}" if self.where else ""
        return f"{self.name}: {self.seen}{where}\n    why it matters: {self.why}\n    what to do: {self.fix}"


class Report:
    """The findings of a check, in the order in which they were made."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings

    @property
    def names(self) -> list[str]:
        return [finding.name for finding in self.findings]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return "the doctor finds nothing wrong"
        return "\n\n".join([f"{k}. {finding}" for k, finding in enumerate(self.findings, 1)])

    __repr__ = __str__
