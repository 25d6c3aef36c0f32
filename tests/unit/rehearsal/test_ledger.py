"""What many threads note is all there."""

import threading

from osupgrade.model.finding import Finding, Severity
from osupgrade.model.report import State
from osupgrade.model.stage import SEEDED, VERIFY
from osupgrade.rehearsal.ledger import Ledger

from ._fakes import plan_of, runner


def test_many_threads_lose_nothing_in_the_ledger():
    plan = plan_of("nova")
    ledger = Ledger(runner(plan).events)

    def write(number):
        for count in range(200):
            ledger.checked(VERIFY, "rows-kept", "rows", failed=False)
            ledger.record(SEEDED, [Finding(f"s{number}", Severity.INFO, "nova", "x", str(count))], State.UNRESOLVED)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = ledger.result(plan, 1.0, (), "")
    assert result.checked == {"rows-kept": 1600} and len(result.findings) == 1600 and len(ledger.of("s3")) == 200
