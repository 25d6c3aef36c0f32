import dataclasses
import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from osupgrade.catalog.content import root
from osupgrade.cli import run
from osupgrade.model.errors import UsageFault
from osupgrade.model.step import Outcome
from osupgrade.report.json import SCHEMA_FILE, read_json, schema, to_text, write_json

from .. import _reports as samples

PUBLISHED = json.loads(SCHEMA_FILE.read_text("utf-8"))
# Checking that the schema is one takes a second; test_the_published_schema_is_one does it once.
VALIDATOR = jsonschema.validators.validator_for(PUBLISHED)(PUBLISHED)
OLDER = Path(__file__).parent / "older"
"""Reports as osupgrade wrote them on the day schema version 2 began. They are never made again."""
SAMPLES = {"green": samples.GREEN, "failed": samples.FAILED, "scenarios": samples.scenarios(3)}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_written_is_read_back_the_same(name, tmp_path):
    path = tmp_path / "report.json"
    write_json(SAMPLES[name], path)
    assert read_json(path) == SAMPLES[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_reports_obey_the_published_schema(name):
    VALIDATOR.validate(json.loads(to_text(SAMPLES[name])))


def test_the_published_schema_is_one():
    VALIDATOR.check_schema(PUBLISHED)


def test_the_published_schema_is_that_of_the_dataclasses():
    assert json.loads(SCHEMA_FILE.read_text("utf-8")) == schema(), (
        "python -c 'from osupgrade.report import json; json.publish()'"
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("schema_version"),
        lambda data: data.update(exit_status="1"),
        lambda data: data["result"]["steps"][0].update(outcome="green"),
        lambda data: data["result"]["findings"][0]["finding"]["evidence"].pop("total"),
        lambda data: data["database"].pop("password"),
    ],
)
def test_the_schema_refuses_what_readers_could_not_use(damage):
    data = json.loads(to_text(samples.GREEN))
    damage(data)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)


def test_the_contract_of_a_kept_database():
    data = json.loads(to_text(samples.GREEN))
    assert next(iter(data)) == "schema_version"
    assert set(data["database"]) == {"host", "port", "user", "password", "databases"}
    assert data["database"]["databases"]["nova"] == "nova"
    assert "database" not in json.loads(to_text(samples.FAILED))


def test_the_same_report_gives_the_same_bytes_whatever_the_order_of_its_mappings():
    turned = dataclasses.replace(samples.GREEN, rows=dict(reversed(samples.GREEN.rows.items())))
    assert list(turned.rows) != list(samples.GREEN.rows)
    assert to_text(turned) == to_text(samples.GREEN)


def test_readers_need_not_compute_the_outcome():
    data = json.loads(to_text(samples.FAILED))
    assert data["result"]["came_through"] is False
    assert data["result"]["steps"][-2]["outcome"] == Outcome.FAILED.value
    assert data["result"]["findings"][0]["stage"] == "seeded"
    assert [s["passed"] for s in json.loads(to_text(samples.scenarios(4)))["scenarios"]] == [True, True, True, False]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_a_file_that_is_no_report_is_named(text, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageFault, match=str(path)):
        read_json(path)


@pytest.mark.parametrize("name", ["passed", "failed", "scenarios"])
def test_a_report_of_an_older_version_is_still_read(name):
    """Any field that came later is optional: where a key goes or changes its meaning, the version must rise."""
    data = json.loads((OLDER / f"{name}.json").read_text("utf-8"))
    report = read_json(OLDER / f"{name}.json")
    assert (data["schema_version"], data["verdict"]) == (2, report.verdict)
    # Nothing that the file says is lost or changed on the way.
    assert _within(data, json.loads(to_text(report))) == []


def _within(old, new, place="report"):
    """The places where ``new`` lacks something of ``old``, or has another value."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [one for key in old for one in _within(old[key], new.get(key, "missing"), f"{place}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [one for n, pair in enumerate(zip(old, new, strict=True)) for one in _within(*pair, f"{place}[{n}]")]
    return [] if old == new else [place]


@pytest.mark.parametrize("view", [(), ("--runbook",), ("--apis",)], ids=" ".join)
@pytest.mark.parametrize("name", ["passed", "failed"])
def test_every_view_shows_a_report_of_an_older_version(name, view, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    shutil.copy(OLDER / f"{name}.json", tmp_path / "run" / "report.json")
    assert run(["report", str(tmp_path / "run"), *view]) in (0, 1), capsys.readouterr().err
    assert len(capsys.readouterr().out) > 200


def test_a_report_of_another_schema_version_is_refused_and_says_what_reads_it(tmp_path):
    data = json.loads((OLDER / "failed.json").read_text("utf-8"))
    (tmp_path / "report.json").write_text(json.dumps({**data, "schema_version": 1}))
    with pytest.raises(UsageFault, match="schema version 1, this osupgrade reads 2") as refused:
        read_json(tmp_path / "report.json")
    assert "with the version of osupgrade that wrote it" in refused.value.hint


@pytest.mark.parametrize("report", [samples.FAILED, samples.GREEN], ids=["failed", "green"])
def test_the_samples_name_scenarios_that_exist(report):
    assert report.result
    sources = {staged.finding.source for staged in report.result.findings}
    assert not {name for name in sources if "-" in name} - {path.name for path in (root() / "scenarios").iterdir()}
