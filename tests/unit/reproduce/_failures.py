"""A failing step."""

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cloud.route import find_step
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.step import Diagnosis, Outcome, StepResult

ERROR = (
    "OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\") "
    "'\\nALTER TABLE services ADD disabled_reason VARCHAR(255)' ()"
)


RESULT = StepResult(
    "havana/nova",
    "nova",
    "havana",
    Outcome.FAILED,
    1.0,
    1,
    versions_after={"nova": ("187",)},
    diagnosis=Diagnosis(ERROR, None, "188_add_reason_column_to_service"),
)


def nova():
    releases = load_releases()
    return find_step(make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases), "havana/nova")
