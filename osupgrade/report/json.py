"""``report.json``: the whole report for machines, its way back, and its published schema.

The form follows the dataclasses of :mod:`osupgrade.model.report`, with two differences that are contracts:
``schema_version`` comes first, and the kept database is under ``database``. ``came_through`` and ``passed`` are written
for readers that do not want to compute them. ``report.schema.json`` is made from the same dataclasses: :func:`publish`
writes it again.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, cast

from osupgrade.catalog.loading import read_bounded
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Shell, Sql
from osupgrade.model.plain import DERIVED, LEFT_OUT_WHEN_NONE, RENAMED, plain
from osupgrade.model.report import SCHEMA_VERSION, RunReport
from osupgrade.model.stage import Stage

LONGEST = 1 << 30
"""Bytes of the largest report that is read."""

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def write_json(report: RunReport, path: Path) -> None:
    """Write ``report`` to ``path``; the same report gives the same bytes."""
    path.write_text(to_text(report), "utf-8")


def write_manifest(report: RunReport, path: Path) -> None:
    """Write what the run was made of to ``path``, by itself: what one compares, or feeds to a script."""
    path.write_text(json.dumps(plain(report.manifest), indent=1, ensure_ascii=False) + "\n", "utf-8")


def to_text(report: RunReport) -> str:
    """The report as JSON text; times are rounded to milliseconds."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **plain(report)}, indent=1, ensure_ascii=False) + "\n"


def read_json(path: Path) -> RunReport:
    """Read what :func:`write_json` wrote; raises UsageFault for a file that is none or of another schema version."""
    try:
        data = json.loads(read_bounded(path, LONGEST))
        version = data["schema_version"]
        if version != SCHEMA_VERSION:
            raise UsageFault(
                f"{path} has schema version {version}, this osupgrade reads {SCHEMA_VERSION}",
                hint="read it with the version of osupgrade that wrote it (`osupgrade` in its manifest)",
            )
        return cast(RunReport, _value(RunReport, data))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as fault:
        raise UsageFault(f"{path} is not a report of osupgrade: {type(fault).__name__}: {fault}") from fault


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of ``report.json``."""
    definitions: dict[str, Any] = {}
    top = _object_schema(RunReport, definitions)
    top["properties"] = {"schema_version": {"const": SCHEMA_VERSION}, **top["properties"]}
    top["required"] = ["schema_version", *top["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "osupgrade report",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def publish() -> None:
    """Write the schema beside this module, after a dataclass of the report has changed."""
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return None if data is None else _value(_member(arguments, data), data)
    if hint is Stage:
        return Stage.parse(data)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        values = {}
        for field in dataclasses.fields(hint):
            key = RENAMED.get((hint, field.name), field.name)
            if key in data:
                values[field.name] = _value(_hints(hint)[field.name], data[key])
        return hint(**values)
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in data)
    if origin is Mapping:
        return {key: _value(arguments[1], item) for key, item in data.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(data)
    if hint is float:
        return float(data)
    return data


def _member(arguments: tuple[Any, ...], data: Any) -> Any:
    """Which member of a union ``data`` is: the only one besides None, or the dataclass that has its keys."""
    members = [member for member in arguments if member is not type(None)]
    if set(members) == {Sql, Shell}:
        return Sql if "statement" in data else Shell
    (member,) = members
    return member


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(member, definitions) for member in arguments]}
    if hint is Stage:
        return {"type": "string", "description": "A stage, such as seeded, before:RELEASE/SERVICE or verify."}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _object_schema(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if hint is object:
        return {}
    names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": names[hint]}


def _object_schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for field in dataclasses.fields(kind):
        key = RENAMED.get((kind, field.name), field.name)
        hint = _hints(kind)[field.name]
        if (kind, field.name) in LEFT_OUT_WHEN_NONE:
            hint = _member(typing.get_args(hint), None)
        else:
            required.append(key)
        properties[key] = _schema(hint, definitions)
    for name in DERIVED.get(kind, ()):
        properties[name] = {"type": "boolean"}
        required.append(name)
    summary = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
    return {
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": required,
    }
