"""What a hand or a tool put where keystone keeps JSON: exactly that is foretold at which keystone's migrations stop."""

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.events import EventLog
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.quoting import statement
from osupgrade.rehearsal.cures import cure_all, cure_none
from osupgrade.rehearsal.runner import Runner
from osupgrade.scenarios.loading import load_scenarios

LANE = "forms"
COPES = [
    *(("user", text) for text in (None, "", "x", "[]", '["a"]', "{}", '{"tenantId": null}')),
    *(("service", text) for text in ("[]", '["a"]', '"x"', "{}", '{"enabled": "no"}')),
    *(("endpoint", text) for text in ("[]", '"x"', '{"enabled": null}')),
    *(("grant", text) for text in ("[]", '"{}"', '"x"', "{}", '{"roles": []}', '{"roles": ["trap-role"]}')),
]
STOPS = [
    *(("user", text) for text in ("null", "5", "true", '"{}"')),
    *(("service", text) for text in (None, "", "x", "null", "5", '"enabled"')),
    ("endpoint", '["enabled"]'),
    *(("grant", text) for text in (None, "x", "null", "7", '["roles"]', '"{\\"roles\\": []}"', '{"roles": null}')),
    *(("grant", text) for text in ('{"roles": "trap-role"}', '{"roles": {"id": "trap-role"}}')),
    ("grant", '{"roles": [{"id": "trap-role"}]}'),
]
SQL = {
    "user": "INSERT INTO user (id, name, extra, enabled, domain_id) VALUES (:id, :id, :text, 1, 'default')",
    "service": "INSERT INTO service (id, type, extra) VALUES (:id, 'compute', :text)",
    "endpoint": "INSERT INTO endpoint (id, interface, region, service_id, url, extra) "
    "SELECT :id, 'public', 'R', MIN(id), 'http://x', :text FROM service",
    "grant": "INSERT INTO user_project_metadata (user_id, project_id, data) SELECT u.id, p.id, :text FROM user u "
    "CROSS JOIN project p LEFT JOIN user_project_metadata m ON m.user_id = u.id AND m.project_id = p.id "
    "WHERE :id <> '' AND m.user_id IS NULL ORDER BY 1, 2 LIMIT 1",
}


@pytest.fixture(scope="module")
def go(laboratory, tmp_path_factory):
    """Takes a seeded keystone with such rows along the path: whether anything was foretold, and whether it came."""
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases, ["keystone"])
    known = load_scenarios([root() / "scenarios"]).applying(plan)

    def taken(rows, may_cure):
        run = RunDirectory.make(tmp_path_factory.mktemp(LANE), LANE)
        cloud = laboratory.cloud(Site(), LANE, restore_lane(laboratory, {"keystone": "keystone"}, LANE), run.path)
        cloud.execute(
            "keystone",
            "INSERT INTO role (id, name, extra) VALUES ('trap-role', 'trap-role', '{}')",
            *(statement(SQL[kind], id=f"trap-{number}", text=text) for number, (kind, text) in enumerate(rows)),
        )
        with EventLog(run.events) as events:
            runner = Runner(plan=plan, run=run, events=events, known=known, may_cure=may_cure, observe=False)
            result = runner.go(cloud).result
        cloud.server.drop(cloud.databases["keystone"])
        return [found.finding for found in result.findings], not result.failed, result.came_through

    return taken


def test_what_keystone_copes_with_is_no_finding(go):
    assert go(COPES, cure_none) == ([], True, True)


@pytest.mark.parametrize("row", STOPS, ids=str)
def test_what_keystone_stops_at_is_foretold(go, row):
    findings, came, _ = go([row], cure_none)
    assert not came
    assert findings
    assert not [found for found in findings if found.cure is None]


def test_the_cures_of_all_of_them_together_bring_keystone_through(go):
    findings, _, came = go([*COPES, *STOPS], cure_all)
    assert len(findings) == 4
    assert came, findings
