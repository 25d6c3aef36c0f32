"""Past runs: what each step and migration took, how many rows there were, and what a new run is judged against."""

from osupgrade.history.record import Past, Timed, how_of, past_runs, subject_of
from osupgrade.history.remember import Thing, accept, durations, judge_by_past, remember
from osupgrade.history.store import History, default_file

__all__ = [
    "History",
    "Past",
    "Thing",
    "Timed",
    "accept",
    "default_file",
    "durations",
    "how_of",
    "judge_by_past",
    "past_runs",
    "remember",
    "subject_of",
]
