"""Python imports this at the start of the tools that make the schemas: some of them fill in rows of their own.

Those rows (default types, quota classes, cells, rules) then have the same ids and times in every seeded cloud. A tool
is told from the others by its words; paths and addresses among them are of the laboratory.
"""

from __future__ import annotations

import sys

import common

common.still(" ".join(word for word in sys.argv[1:] if "/" not in word), all_shared=True)
