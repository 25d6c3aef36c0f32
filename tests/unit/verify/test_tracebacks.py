"""Tracebacks in logs of services."""

from osupgrade.verify.tracebacks import tracebacks

PREFIXED = """\
2026-11-22 18:05:43.978 25 ERROR nova.api.openstack [req-1 - -] Caught error: boom
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack Traceback (most recent call last):
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack   File "/src/nova/api.py", line 1, in call
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack     return f()
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack   File "/src/nova/db.py", line 7, in f
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack     raise ValueError('boom')
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack ValueError: boom
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack
2026-11-22 18:05:44.000 25 INFO nova.api.openstack fine
"""


def test_a_traceback_in_a_log_is_found_with_its_place_under_the_prefix_of_oslo():
    (found,) = tracebacks(PREFIXED + PREFIXED)
    assert found.error == "ValueError: boom"
    assert found.place == 'File "/src/nova/db.py", line 7, in f'
    assert found.count == 2


def test_a_bare_traceback_is_found_and_an_expected_one_is_not():
    log = 'Traceback (most recent call last):\n  File "x", line 1, in y\nKeyError: 1\n'
    assert [t.error for t in tracebacks(log)] == ["KeyError: 1"]
    assert tracebacks(log, ["^KeyError"]) == ()
    assert tracebacks("an error, but no stack\n") == ()
