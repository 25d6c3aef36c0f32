"""How a page is written: the one way to render it, and the forms of times, numbers, sentences and names."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from osupgrade.catalog.render import Markup, render
from osupgrade.model.quoting import visible
from osupgrade.model.text import duration

_HERE = Path(__file__).parent


def page(name: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., Any]]) -> str:
    """A template of this directory with ``values``, in which every text is only text."""
    known: dict[str, Callable[..., Any]] = {
        "code": breakable,
        "count": count,
        "duration": duration,
        "moment": moment,
        "sentence": sentence,
    }
    return render(_HERE / name, values, filters={**known, **filters}, quote=visible)


def stylesheet() -> Markup:
    """What all pages look like."""
    return Markup((_HERE / "report.css").read_text("utf-8"))


def moment(text: str) -> str:
    """A time in UTC as one reads it."""
    try:
        return datetime.datetime.fromisoformat(text).strftime("%d %b %Y, %H:%M UTC")
    except ValueError:
        return text


def count(number: int | None) -> str:
    """A number with its thousands apart; a dash for none."""
    return "–" if number is None else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def sentence(text: str) -> Markup:
    """A message as a sentence; what is in backticks is code."""
    text = text.strip(" \n\t")  # a line separator of a cloud is shown, as any other character that is not seen
    if text and not text.endswith((".", "!", "?", ":")):
        text += "."
    escaped = str(Markup.escape(visible(text[:1].upper() + text[1:])))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))


def breakable(text: str) -> Markup:
    """A name that may be broken after its underscores, dots and slashes, so that a phone can show it."""
    return Markup(re.sub(r"([_./:,-])(?=\w)", r"\1<wbr>", str(Markup.escape(visible(text)))))
