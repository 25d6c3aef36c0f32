"""A clean cloud of a seed that nothing else uses: no preflight and no invariant blames it. `make seeds` tries twenty."""

import dataclasses

from osupgrade.seed.description import load_description
from tools.seed_trial import Trials

SEED = 4711


def test_a_clean_cloud_of_another_seed_raises_no_false_alarm(laboratory, tmp_path):
    trials = Trials(laboratory, tmp_path)
    trial = trials.run(dataclasses.replace(load_description(), seed=SEED))
    trials.drop()
    assert trial.alarms == (), str(trial)
    assert trial.asked > 50
    assert trial.checked == len(laboratory.plan.path.checks)
