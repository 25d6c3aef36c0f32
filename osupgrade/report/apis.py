"""The real APIs' answers as a table: each question once, with the answer of every release that was queried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.model.report import ApiCall


@dataclass(frozen=True)
class Answer:
    """What one release answered to a check, each time it ran; ``seconds`` is the total."""

    times: int
    right: int
    seconds: float
    detail: str = ""
    """What the first wrong answer said, else the first right one."""

    @property
    def ok(self) -> bool:
        """Whether every answer was right."""
        return self.right == self.times

    @property
    def status(self) -> str:
        """In a word or two."""
        if self.times == 1:
            return "right" if self.ok else "wrong"
        return f"right, {self.times} times" if self.ok else f"wrong, {self.times - self.right} of {self.times} times"


@dataclass(frozen=True)
class Question:
    """A question to a service, and the answers by release."""

    service: str
    name: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True)
class Questions:
    """All checks of one service, in the order in which they ran."""

    service: str
    questions: tuple[Question, ...]

    def total(self, release: str) -> Answer:
        """All of a release's answers as one."""
        return _together([q.answers[release] for q in self.questions if release in q.answers])

    @property
    def ok(self) -> bool:
        """Whether every release answered every question right."""
        return all(answer.ok for question in self.questions for answer in question.answers.values())


def releases_asked(calls: Sequence[ApiCall]) -> tuple[str, ...]:
    """The releases whose APIs were queried, the earliest first."""
    return tuple(dict.fromkeys(call.release for call in calls))


def by_question(calls: Sequence[ApiCall]) -> tuple[Questions, ...]:
    """The calls as tables, one for each service."""
    found: dict[str, dict[str, dict[str, list[Answer]]]] = {}
    for call in calls:
        one = Answer(1, int(call.ok), call.seconds, call.detail)
        found.setdefault(call.service, {}).setdefault(call.name, {}).setdefault(call.release, []).append(one)
    return tuple(
        Questions(
            service,
            tuple(
                Question(service, name, {release: _together(answers) for release, answers in by_release.items()})
                for name, by_release in names.items()
            ),
        )
        for service, names in found.items()
    )


def _together(answers: Sequence[Answer]) -> Answer:
    worst = next((a for a in answers if not a.ok), answers[0] if answers else Answer(0, 0, 0.0))
    return Answer(
        sum(a.times for a in answers), sum(a.right for a in answers), sum(a.seconds for a in answers), worst.detail
    )
