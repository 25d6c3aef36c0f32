import dataclasses
from xml.etree import ElementTree as Xml

import pytest

from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.report.junit import write_junit

from .. import _reports as samples


def read(report, tmp_path):
    path = tmp_path / "junit.xml"
    write_junit(report, path)
    return Xml.parse(path).getroot()


def failing(root):
    return {(s.get("name"), c.get("name")) for s in root for c in s if c.find("failure") is not None}


@pytest.mark.parametrize("report", [samples.GREEN, samples.FAILED, samples.scenarios(6)])
def test_the_form_that_ci_servers_ask_for(report, tmp_path):
    root = read(report, tmp_path)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "disabled", "errors"}
    for suite in root:
        assert suite.tag == "testsuite" and suite.get("name")
        assert suite.get("timestamp") == "2026-11-22T18:04:05"
        cases = suite.findall("testcase")
        assert len(cases) == len(suite) == int(suite.get("tests")) > 0
        assert len(suite.findall("testcase/failure")) == int(suite.get("failures"))
        assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped"))
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names), "servers take equal names for repetitions of one test"
        for case in cases:
            assert case.get("classname") == f"osupgrade.{suite.get('name')}"
            assert float(case.get("time")) >= 0
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root)
    assert int(root.get("failures")) == len(failing(root))


def test_a_suite_for_each_chain_and_for_each_kind(tmp_path):
    names = [suite.get("name") for suite in read(samples.GREEN, tmp_path)]
    assert names == ["verdict", *samples.SERVICES, "findings", "invariants", "apis"]
    assert failing(read(samples.GREEN, tmp_path)) == set()


def test_a_failed_hop_carries_its_evidence_and_what_follows_is_skipped(tmp_path):
    root = read(samples.FAILED, tmp_path)
    assert failing(root) == {
        ("verdict", "came through"),
        ("nova", "havana/nova"),
        ("findings", "own-backported-column: nova services.disabled_reason"),
        ("findings", "ml2-unfilled-bindings: neutron portbindingports"),
        ("invariants", samples.INVARIANTS["ports_bound"]),
        ("apis", "icehouse neutron: ports"),
    }
    failure = root.find(".//testcase[@name='havana/nova']/failure")
    assert "1060" in failure.get("message")
    assert "statement: ALTER TABLE services" in failure.text and "log: logs/havana-nova.log" in failure.text
    assert root.find(".//testcase[@name='icehouse/nova']/skipped").get("message") == "not reached"


def test_both_lanes_of_a_scenario_are_tests(tmp_path):
    root = read(samples.scenarios(4), tmp_path)
    (suite,) = [suite for suite in root if suite.get("name") == "scenarios"]
    assert len(suite) == 8
    assert ("scenarios", "glance-trap-03 (naive)") in failing(root)
    assert ("scenarios", "glance-trap-03 (cured)") not in failing(root)


def test_what_xml_cannot_carry_is_spelt_out(tmp_path):
    result = dataclasses.replace(samples.GREEN.result, refused="broken \x00\x1b[31m dump <&>\nsecond line")
    root = read(dataclasses.replace(samples.GREEN, result=result, exit_status=1), tmp_path)
    failure = root.find(".//testcase[@name='the cloud can be set up']/failure")
    assert failure.get("message") == "broken \\x00\\x1b[31m dump <&>" and "second line" in failure.text


def test_findings_at_one_place_are_told_apart(tmp_path):
    again = [
        StagedFinding(SEEDED, dataclasses.replace(samples.TOKENS, message=f"{n} tokens"), State.UNRESOLVED)
        for n in range(3)
    ]
    result = dataclasses.replace(samples.GREEN.result, findings=tuple(again))
    root = read(dataclasses.replace(samples.GREEN, result=result), tmp_path)
    names = [case.get("name") for case in root.findall("testsuite[@name='findings']/testcase")]
    base = "keystone-token-volume: keystone token"
    assert names == [base, f"{base} (2)", f"{base} (3)"]


def test_a_scenario_of_another_database_is_skipped_with_its_reason(tmp_path):
    one = dataclasses.replace(samples.scenarios(2).scenarios[0], lanes=(), skipped="MySQL alone refuses this")
    root = read(dataclasses.replace(samples.scenarios(2), scenarios=(one,)), tmp_path)
    (case,) = [case for suite in root if suite.get("name") == "scenarios" for case in suite]
    assert case.get("name") == one.name
    assert case.find("skipped").get("message") == "MySQL alone refuses this"
