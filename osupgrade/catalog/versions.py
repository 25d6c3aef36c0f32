"""What a version table holds, compared with what it holds at the end of a release. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def numbers(versions: Sequence[str]) -> tuple[int, ...]:
    """Numbered versions with the highest first; empty where they are not numbers.

    Where a table has one row for each of several repositories, the highest is that of the service itself, which alone
    goes on counting: 109, 44, 44, 44 is newer than 44.
    """
    if not versions or not all(version.isdigit() and version.isascii() for version in versions):
        return ()
    return tuple(sorted((int(version) for version in versions), reverse=True))


def ends_at(versions: Sequence[str], head: Sequence[str]) -> bool:
    """Whether a version table holds a release's ``head``.

    A row may be left of a repository that the release no longer has: a keystone that was upgraded to Yoga has 109, 79,
    79, 79, and one that was installed there 79, 79, 79.
    """
    if set(versions) == set(head):
        return bool(head)
    here, there = numbers(versions), numbers(head)
    return 1 < len(there) < len(here) and here[-len(there) :] == there
