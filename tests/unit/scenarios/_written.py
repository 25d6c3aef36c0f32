"""Scenario directories for the tests of this directory."""

from pathlib import Path

GOOD = """
from osupgrade.scenarios.contract import Blocks, Scenario
scenario = Scenario(title="t", services=("nova",), symptom=Blocks("havana/nova", error="1060"))
@scenario.inject("before:havana/nova")
def plant(cloud): pass
@scenario.preflight()
def find(cloud): return ()
"""


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).mkdir()
    (directory / name / "scenario.py").write_text(text)
