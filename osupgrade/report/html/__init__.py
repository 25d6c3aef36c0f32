"""``report.html`` and ``trend.html``: pages that are one file each, and open offline."""

from __future__ import annotations

from osupgrade.report.html.page import html, write_html
from osupgrade.report.html.timeline import timeline

__all__ = ["html", "timeline", "write_html"]
