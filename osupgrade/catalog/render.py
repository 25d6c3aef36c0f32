"""Templates: one way to render them all, whatever they become. A name that a template uses must be given to it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

__all__ = ["Markup", "TemplateError", "render", "render_text"]

TemplateError = jinja2.TemplateError


def render(
    template: Path,
    values: Mapping[str, Any],
    *,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    quote: Callable[[str], Markup | str] | None = None,
) -> str:
    """A file's template with ``values``; others may lie beside it.

    ``quote`` writes text for the medium, HTML or Markdown, wherever a value is put in. Only :class:`Markup` is left as
    it is: what a macro or one of the ``filters`` has written for that medium already. Plain text that ``quote`` returns
    is escaped as HTML.
    """

    named = tuple(sorted((filters or {}).items()))
    return _beside(template.parent, named, quote).get_template(template.name).render(values)


def render_text(text: str, values: Mapping[str, Any]) -> str:
    """A template given as text, such as a configuration file of a release; nothing in it is quoted."""
    return _compiled(text).render(values)


# Compiling a template takes many times as long as rendering it, and one report renders the same ones again and again.
@functools.lru_cache(maxsize=64)
def _beside(
    directory: Path,
    filters: tuple[tuple[str, Callable[..., Any]], ...],
    quote: Callable[[str], Markup | str] | None,
) -> jinja2.Environment:
    """What knows the templates of a directory, and keeps each that it has compiled until its file changes."""

    def written(value: Any) -> Any:
        if quote is None or isinstance(value, Markup | jinja2.Undefined):
            return value
        return quote(str(value))

    environment = _environment(
        loader=jinja2.FileSystemLoader(directory),
        autoescape=quote is not None,
        finalize=written,
        lstrip_blocks=quote is not None,
        keep_trailing_newline=quote is None,
    )
    environment.filters.update(filters)
    return environment


@functools.lru_cache(maxsize=1024)
def _compiled(text: str) -> jinja2.Template:
    return _PLAIN.from_string(text)


def _environment(**options: Any) -> jinja2.Environment:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, **options)


_PLAIN = _environment(keep_trailing_newline=True)
