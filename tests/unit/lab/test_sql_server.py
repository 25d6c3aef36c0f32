"""How statements reach the server."""

import ast

from osupgrade.catalog.content import root


def test_statements_that_may_hold_somebody_s_names_are_sent_in_one_place_only():
    """Elsewhere a % or a colon in the name of a table would be taken for a parameter."""
    found = [
        path.name
        for path in sorted((root() / "osupgrade").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "exec_driver_sql"
    ]
    assert set(found) == {"sql_server.py"}
