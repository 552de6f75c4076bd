"""What the DAG makes of a bad file. A night that is refused, and none by the deadline: tests/integration."""

import pytest

from tests.company import NIGHT, Company, words


@pytest.mark.timeout(120, method="thread")
def test_a_truncated_gzip_fails_its_task_with_one_clear_mail_and_loads_nothing(
    new_company: Company, capfd: pytest.CaptureFixture[str]
):
    extract = new_company.extract()
    extract.write_bytes(extract.read_bytes()[:-200])

    run = new_company.run("validate_invoices")

    assert (run.states["snapshot"], run.states["validate"], run.states["load"]) == (
        "success",
        "failed",
        "upstream_failed",
    )
    assert (new_company.count("invoices"), new_company.count("quarantined_invoices")) == (0, 0)
    (failure,) = new_company.outbox("failure")
    assert failure["Subject"].startswith(f"FAILED: the extract cannot be read (invoices of {NIGHT}, validate_invoices")
    told = words(failure)
    assert f"invoices_{NIGHT}.csv.gz: the gzip file ends too early, after" in told
    assert "it was cut off or is still being written; have it delivered again" in told
    said = capfd.readouterr()
    # Not to be tried again: a retry reads the same bytes.
    assert "AirflowFailException: ExtractUnreadableError: " in said.out + said.err
