"""Read a TOML or JSON file into a pydantic model. Whatever is wrong with it, the error names file, key and reason.

Files come from strangers: no size, nesting, number or character in them may raise anything but UsageFault.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import difflib
import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from osupgrade.model.errors import UsageFault

LONGEST = 16 << 20
"""Bytes of the largest file that is read."""
DEEPEST = 64
"""Levels of tables and arrays. No file that means something comes near it."""
_DOTTED = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST + 1}}}""")
"""A dotted key as deep as that. The standard library's parser takes a time that grows with the square of its depth."""
SHOWN = 60
"""Characters of a key or a value that a message repeats."""


class Strict(BaseModel):
    """The base of what is read from files: unknown keys are refused, and no value is converted in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def load_toml(path: Path, model: type[Model], *, longest: int = LONGEST) -> Model:
    """The TOML file at ``path`` as ``model``; raises UsageFault for a file that is not there or not valid."""
    return parse_toml(read_bounded(path, longest), model, str(path))


def load_json(path: Path, model: type[Model], *, longest: int = LONGEST) -> Model:
    """The JSON file at ``path`` as ``model``; raises UsageFault for a file that is not there or not valid."""
    return parse_json(read_bounded(path, longest), model, str(path))


def parse_toml(text: str | bytes, model: type[Model], source: str) -> Model:
    """TOML as ``model``. ``source`` names it in errors."""
    return validate(_plain(_parsed(text, source, "TOML", _toml), source), model, source)


def parse_json(text: str | bytes, model: type[Model], source: str) -> Model:
    """JSON as ``model``. ``source`` names it in errors."""
    return validate(_plain(_parsed(text, source, "JSON", json.loads), source), model, source)


def read_toml(path: Path, *, longest: int = LONGEST) -> dict[str, Any]:
    """The tables of a TOML file, checked for size, nesting and characters only."""
    source = str(path)
    data = _plain(_parsed(read_bounded(path, longest), source, "TOML", _toml), source)
    assert isinstance(data, dict)
    return data


def toml_tables(text: str, source: str) -> dict[str, Any]:
    """The tables of TOML, checked as by :func:`read_toml`; tomllib's own error where it is none, which has the line."""
    try:
        data: dict[str, Any] = _plain(_toml(text), source)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as fault:  # a number of more digits than Python reads
        raise UsageFault(f"{source}: not valid TOML: {_clean(str(fault))}") from None
    except RecursionError:
        raise UsageFault(_too_deep(source)) from None
    return data


def read_json(path: Path, *, longest: int = LONGEST) -> Any:
    """What a JSON file holds, checked for size, nesting and characters only."""
    source = str(path)
    return _plain(_parsed(read_bounded(path, longest), source, "JSON", json.loads), source)


def validate(data: Any, model: type[Model], source: str) -> Model:
    """Plain data, as TOML and JSON give it, as ``model``; raises UsageFault with the first key that does not fit."""
    try:
        # As JSON, pydantic's strict mode still takes a list for a tuple and a text for an enum's member or a path.
        return model.model_validate_json(json.dumps(data, default=_date), strict=True)
    except ValidationError as fault:
        # An unknown key first: a misspelt key is why another one is missing.
        details = sorted(fault.errors(include_url=False), key=lambda one: one["type"] not in _UNKNOWN)
        lines = list(dict.fromkeys(_said(one, data) for one in _without_forms(details, data)))
        raise UsageFault(
            f"{source}: {lines[0]}", hint=_near(details[0], model), evidence="\n".join(lines[1:])
        ) from None


def read_bounded(path: Path, longest: int = LONGEST) -> bytes:
    """A file that a user named. It may be anything: a device never ends. Raises UsageFault beyond ``longest`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(longest + 1)
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        reason = fault.strerror if isinstance(fault, OSError) else "the path holds a NUL character"
        raise UsageFault(f"cannot read {shown(str(path))}: {reason}") from fault
    if len(data) > longest:
        raise UsageFault(f"{path}: the file is larger than {longest >> 20} MB", hint="is it the right file?")
    return data


def _parsed(text: str | bytes, source: str, kind: str, loads: Callable[[str], Any]) -> Any:
    try:
        return loads(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise UsageFault(f"{source}: not valid {kind}: the file is not UTF-8 (byte {fault.start + 1})") from None
    except ValueError as fault:
        raise UsageFault(f"{source}: not valid {kind}: {_clean(str(fault))}") from None
    except (RecursionError, MemoryError):
        raise UsageFault(_too_deep(source)) from None


def _toml(text: str) -> dict[str, Any]:
    if _DOTTED.search(text):
        raise RecursionError
    return tomllib.loads(text)


def _too_deep(source: str) -> str:
    return f"{source}: tables or lists are nested more than {DEEPEST} levels deep"


def _plain(data: Any, source: str) -> Any:
    """Refuse what later code cannot be expected to handle: deep nesting, NUL, halves of characters, infinite numbers.

    A loop, because data that is nested too deeply must not be walked by recursion.
    """
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(data, ())]
    while waiting:
        value, place = waiting.pop()
        if len(place) > DEEPEST:
            raise UsageFault(_too_deep(source))
        if isinstance(value, dict):
            for key, inner in value.items():
                _check_text(key, f"the key {shown(key)}", source)
                waiting.append((inner, (*place, key)))
        elif isinstance(value, list):
            waiting.extend((inner, (*place, number)) for number, inner in enumerate(value))
        elif isinstance(value, str):
            _check_text(value, dotted(place), source)
        elif isinstance(value, float) and not math.isfinite(value):
            raise UsageFault(f"{source}: {dotted(place)}: must be a finite number")
        elif isinstance(value, int) and value.bit_length() > 64:
            raise UsageFault(f"{source}: {dotted(place)}: the number is too large")
    return data


def _check_text(text: str, place: str, source: str) -> None:
    if "\0" in text:
        raise UsageFault(f"{source}: {place}: holds a NUL character")
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return
    raise UsageFault(f"{source}: {place}: holds half of a character (an unpaired surrogate)")


def _date(value: object) -> str:
    """TOML's dates and times as JSON has them."""
    assert isinstance(value, datetime.date | datetime.time)
    return value.isoformat()


_KINDS: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a table of keys",
    "model_type": "must be a table of keys",
    "model_attributes_type": "must be a table of keys",
    "dataclass_type": "must be a table of keys",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "path_type": "must be a path",
    "none_required": "must be left out",
    "too_short": "must not be empty",
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "unexpected_keyword_argument": "is not a known key",
}
_MUST = "must be "
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a model, or a dataclass, does not have."""


def _place(error: ErrorDetails, data: object) -> str:
    """Where an error is, without pydantic's own steps: its marks of keys, and the forms that a value may have."""
    here, steps = data, []
    for step in error["loc"]:
        inside = (isinstance(here, dict) and step in here) or (isinstance(here, list) and isinstance(step, int))
        if inside or (error["type"] in ("missing", *_UNKNOWN) and step is error["loc"][-1]):
            steps.append(step)
            here = here[step] if inside else None  # type: ignore[index] # that it can be asked was just seen
    return dotted(steps)


def _without_forms(errors: Sequence[ErrorDetails], data: object) -> Iterator[ErrorDetails]:
    """The errors, with those of a value that fits none of its forms as one."""
    kinds: dict[str, dict[str, ErrorDetails]] = {}
    for error in errors:
        kinds.setdefault(_place(error, data), {}).setdefault(error["type"], error)
    for several in kinds.values():
        first, *others = several.values()
        said = [_KINDS.get(kind, "") for kind in several]
        if others and all(words.startswith(_MUST) for words in said):
            forms = " or ".join(words.removeprefix(_MUST) for words in said)
            yield {**first, "type": "value_error", "msg": f"{_MUST}{forms}, not {_described(first['input'])}"}
        else:
            yield from several.values()


def _said(error: ErrorDetails, data: object) -> str:
    """One error as a sentence: the key, what is wrong, what was found."""
    kind, found = error["type"], error["input"]
    place = _place(error, data)
    if kind in ("missing", "too_short", *_UNKNOWN):
        return f"{place}: {_KINDS[kind]}"
    reason = _KINDS.get(kind)
    if reason is None:
        reason = error["msg"].removeprefix("Value error, ")
        reason = reason.replace("Input should be", "must be").replace("Input", "the value")
        reason = _clean(reason[:1].lower() + reason[1:])
        if kind == "value_error":  # a check of our own has said it all
            return f"{place}: {reason}"
    return f"{place}: {reason}, not {_described(found)}"


def _described(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else shown(value)


def _near(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What an unknown key may have been meant to be."""
    if error["type"] not in _UNKNOWN:
        return ""
    wrong = str(error["loc"][-1])
    known = sorted(_names(model, error["loc"][:-1]))
    near = difflib.get_close_matches(wrong, known, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known keys are {', '.join(known)}" if known else ""


def _names(model: type[BaseModel], place: tuple[int | str, ...]) -> Iterable[str]:
    """The keys that a model takes at a place."""
    current: Any = model
    for step in place:
        current = _inside(current, step)
    return _fields(current)


def _fields(annotation: Any) -> Mapping[str, Any]:
    """The keys of a model or of a dataclass, each with its annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        return {field.name: hints[field.name] for field in dataclasses.fields(annotation)}
    if isinstance(annotation, types.UnionType):
        return next(filter(None, map(_fields, typing.get_args(annotation))), {})
    return {}


def _inside(annotation: Any, step: int | str) -> Any:
    """The annotation of what is at a key or a number inside of a model, a dictionary or a tuple; None for neither."""
    if fields := _fields(annotation):
        return fields.get(str(step))
    arguments = typing.get_args(annotation)
    if isinstance(annotation, types.UnionType):
        return next(filter(None, (_inside(each, step) for each in arguments)), None)
    if typing.get_origin(annotation) is dict:
        return arguments[1]
    return arguments[0] if isinstance(step, int) and arguments else None


def dotted(place: Iterable[str | int]) -> str:
    """A key as people write it: ``columns."ports.name"[2]``."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = step.replace("_", "").replace("-", "")
            text += ("." if text else "") + (step if bare.isascii() and bare.isalnum() else shown(step))
    return text or "the file"


def shown(value: object) -> str:
    """A key or value as a message may repeat it: short, in quotes if it is text, control characters escaped."""
    text = repr(value) if isinstance(value, str) else str(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        text = f'"{text[1:-1]}"'
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _clean(text: str) -> str:
    """The text of a parser, which repeats what it was given."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= 4 * SHOWN else f"{text[: 4 * SHOWN]}…"
