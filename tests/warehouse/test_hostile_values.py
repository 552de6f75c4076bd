"""Whatever stands in a text field comes back as it went in: no quoting, no format, no protocol gives it a meaning."""

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Extract, Scoring, invoice_keys
from tests.warehouse.rows import EMPTY_QUARANTINE, NIGHT, Load, a_model, ask, scored, typed

HOSTILE = [
    "'; DROP TABLE invoice_anomalies.invoices; --",
    '"); DELETE FROM invoice_anomalies.reviews; --',
    "$$; SELECT pg_sleep(60); $$",
    "%s %(extract_date)s %% %",
    "{} {fields} {{}} {0.__class__}",
    "\\.",
    "\\N",
    "\\",
    "NULL",
    "a,b;c\td",
    "two\nlines\r\nor three\r",
    '"quoted" \'twice\' ""',
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "発票 №5 \u202e \U0001f4b6 \u0301",
    "|",
    "a\\|b",
    " leading and trailing ",
    "\x01\x1f\x7f",
    "x" * 100_000,
]


@pytest.fixture
def loaded(connection: Connection, contract: Contract) -> pd.DataFrame:
    """A night whose invoice numbers and descriptions are hostile, loaded; index invoice_key."""
    # An index holds keys of up to 2.7 kB.
    frame = typed(contract, [{"invoice_number": text[:500], "description": text} for text in HOSTILE])
    night = Extract(NIGHT, "landing/'; DROP TABLE x; --%s{}.csv")
    quarantined = pd.DataFrame(
        {"raw": HOSTILE, "reasons": [[text, "and more"] for text in HOSTILE]},
        index=pd.RangeIndex(1000, 1000 + len(HOSTILE), name="line"),
    )
    warehouse.load_night(
        connection, contract, night, [(frame, quarantined)], 2 * len(HOSTILE), HOSTILE, "docs'%s{}.html"
    )
    frame.index = pd.Index(invoice_keys(contract, frame, NIGHT), name="invoice_key")
    return frame


def test_invoices_come_back_as_they_went(connection: Connection, contract: Contract, loaded: pd.DataFrame) -> None:
    read = warehouse.read_chunk(connection, contract, NIGHT, 0, 1)

    assert set(read.index) == set(loaded.index)
    for name in ("invoice_number", "description"):
        assert read.loc[loaded.index, name].tolist() == loaded[name].tolist()


def test_quarantined_rows_and_reasons_come_back_as_they_went(connection: Connection, loaded: pd.DataFrame) -> None:
    rows = ask(connection, "SELECT raw, reasons FROM invoice_anomalies.quarantined_invoices ORDER BY line")

    assert rows == [(text, [text, "and more"]) for text in HOSTILE]
    assert ask(connection, "SELECT warnings, file, data_docs FROM invoice_anomalies.validation_runs") == [
        (HOSTILE, "landing/'; DROP TABLE x; --%s{}.csv", "docs'%s{}.html")
    ]


def test_anomalies_and_their_explanations_come_back_as_they_went(connection: Connection, loaded: pd.DataFrame) -> None:
    version = "m'; DROP TABLE x; --%s{}"
    warehouse.register_model(connection, a_model(version, metrics={"f1": 0.8, "'%s{}": HOSTILE}))
    warehouse.promote_model(connection, version)
    scores, anomalies, fields = scored(list(loaded.index), list(loaded.index))
    texts = dict(zip(loaded.index, HOSTILE, strict=True))
    anomalies = anomalies.assign(explanation=pd.Series(texts), entity=[texts[key][:500] for key in anomalies.index])
    for column in ("observed", "expected", "low", "high", "sentence"):
        fields[column] = fields["invoice_key"].map(texts)

    warehouse.publish_scores(connection, Scoring(NIGHT, version), [scores], anomalies, fields)
    found = warehouse.night_anomalies(connection, NIGHT, version)
    warehouse.record_alert(connection, NIGHT, version, "'%s{}", found, "'; --%s")

    assert {anomaly.invoice_key: anomaly.explanation for anomaly in found} == texts
    for anomaly in found:
        text = texts[anomaly.invoice_key]
        assert anomaly.entity == text[:500]
        for field in anomaly.fields:
            assert (field.observed, field.expected, field.low, field.high, field.sentence) == (text,) * 5
    assert warehouse.alert_sent(connection, "'; --%s")
    assert warehouse.champion(connection) is not None
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.invoices") == [(len(HOSTILE),)]


def test_a_nul_that_came_with_a_row_is_replaced_in_quarantine_and_in_words(
    connection: Connection, load: Load, contract: Contract
) -> None:
    quarantined = pd.DataFrame({"raw": ["a\x00b"], "reasons": [["odd\x00\ud800"]]}, index=pd.Index([9], name="line"))
    valid = typed(contract, [{"invoice_number": "a"}])
    assert EMPTY_QUARANTINE.empty

    load(valid, quarantined)

    rows = ask(connection, "SELECT raw, reasons FROM invoice_anomalies.quarantined_invoices")
    assert rows == [("a\ufffdb", ["odd\ufffd?"])]
