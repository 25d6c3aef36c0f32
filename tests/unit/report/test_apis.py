"""The table of what the real APIs answered, before and after."""

import dataclasses

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit
from osupgrade.model.report import ApiCall
from osupgrade.report.apis import by_question, releases_asked
from osupgrade.report.html import html

from .. import _reports as samples
from ..cli.test_reports import made

CALLS = (
    ApiCall("grizzly", "nova", "GET servers", True, 0.5),
    ApiCall("grizzly", "glance", "GET images", True, 0.1),
    ApiCall("icehouse", "nova", "GET servers", False, 0.25, "HTTP 500: boom"),
    ApiCall("icehouse", "nova", "hard reboot", True, 0.5),
    ApiCall("icehouse", "nova", "hard reboot", False, 1.0, "409 conflict"),
)


def test_each_question_stands_once_with_every_release_s_answer():
    nova, glance = by_question(CALLS)
    assert releases_asked(CALLS) == ("grizzly", "icehouse")
    assert [question.name for question in nova.questions] == ["GET servers", "hard reboot"]
    servers, reboot = nova.questions
    assert servers.answers["grizzly"].status == "right"
    assert (servers.answers["icehouse"].status, servers.answers["icehouse"].detail) == ("wrong", "HTTP 500: boom")
    assert reboot.answers["icehouse"].status == "wrong, 1 of 2 times"
    assert reboot.answers["icehouse"].seconds == 1.5
    assert "grizzly" not in reboot.answers
    assert (nova.total("icehouse").right, nova.total("icehouse").times) == (1, 3)
    assert glance.ok and not nova.ok
    assert glance.total("icehouse").times == 0


def test_the_page_has_both_releases_side_by_side_and_unfolds_what_is_wrong(tmp_path):
    page = html(dataclasses.replace(samples.GREEN, api=CALLS), tmp_path)
    assert "Real APIs before and after" in page
    assert "<details open><summary>nova" in page
    assert "<details><summary>glance" in page
    assert "wrong, 1 of 2 times" in page


def test_the_terminal_has_the_whole_table(tmp_path, capsys):
    run = made(dataclasses.replace(samples.GREEN, api=CALLS), tmp_path)
    assert command(["report", run, "--apis"]) == Exit.CAME_THROUGH
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["service", "question", "grizzly", "seconds", "icehouse", "seconds", "detail"]
    assert lines[1].split() == ["nova", "GET", "servers", "right", "0.50", "wrong", "0.25", "HTTP", "500:", "boom"]
    assert lines[3].split() == ["nova", "all", "1", "of", "1", "0.50", "1", "of", "3", "1.75"]


def test_a_run_that_asked_no_api_has_no_such_table(tmp_path, capsys):
    assert command(["report", made(dataclasses.replace(samples.GREEN, api=()), tmp_path), "--apis"]) == Exit.USAGE
    assert "osupgrade rehearse --verify full" in capsys.readouterr().err
