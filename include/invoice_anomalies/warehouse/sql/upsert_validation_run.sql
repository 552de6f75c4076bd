-- Record what became of an extract; the same outcome again leaves the row as it is.
INSERT INTO invoice_anomalies.validation_runs AS run
    (extract_date, file, rows_in, valid, quarantined, success, problems, warnings, data_docs, content)
VALUES (
    %(extract_date)s, %(file)s, %(rows_in)s, %(valid)s, %(quarantined)s, %(success)s,
    %(problems)s::text[], %(warnings)s::text[], %(data_docs)s, %(content)s
)
ON CONFLICT (extract_date, file) DO UPDATE
SET rows_in = excluded.rows_in, valid = excluded.valid, quarantined = excluded.quarantined, superseded = 0,
    success = excluded.success, problems = excluded.problems, warnings = excluded.warnings,
    data_docs = excluded.data_docs, content = excluded.content, validated_at = now(), current = true
WHERE (
        run.rows_in, run.valid, run.quarantined, run.superseded, run.success, run.problems, run.warnings, run.data_docs,
        run.current, run.content
    )
    IS DISTINCT FROM (
        excluded.rows_in, excluded.valid, excluded.quarantined, 0, excluded.success, excluded.problems,
        excluded.warnings, excluded.data_docs, true, excluded.content
    );
