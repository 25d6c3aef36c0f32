"""A clean cloud of a seed that nothing else uses: no preflight and no invariant blames it. `make seeds` tries twenty."""

import dataclasses

from osupgrade.seed.description import load_description
from tools.seed_shapes import Shape
from tools.seed_trial import Trials

SEED = 4711
BROKEN_OFF = [
    ("nova", "SET foreign_key_checks = 0"),
    ("nova", "DELETE s FROM services s JOIN compute_nodes c ON c.service_id = s.id AND c.deleted <> 0"),
    ("nova", "INSERT INTO migrations (instance_uuid, status, deleted) VALUES ('archived', 'confirmed', 0)"),
    ("nova", "INSERT INTO instance_faults (instance_uuid, code, deleted) VALUES ('archived', 500, 0)"),
    ("nova", "INSERT INTO instance_actions (action, instance_uuid, deleted) VALUES ('create', 'archived', 0)"),
    ("nova", "INSERT INTO migrations (instance_uuid, status, deleted) VALUES (NULL, 'error', 0)"),
]
"""What `nova-manage db archive_deleted_rows` leaves where it stops halfway: rows of what is in the shadow tables."""


def test_a_clean_cloud_of_another_seed_raises_no_false_alarm(laboratory, tmp_path):
    trials = Trials(laboratory, tmp_path)
    trial = trials.run(Shape(dataclasses.replace(load_description(), seed=SEED), {"broken off": tuple(BROKEN_OFF)}))
    trials.drop()
    assert trial.alarms == (), str(trial)
    assert trial.asked > 50
    assert trial.checked == len(laboratory.plan.path.checks)
