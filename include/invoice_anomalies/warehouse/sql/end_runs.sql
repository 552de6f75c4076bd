-- Nothing speaks for this night any more: no extract, no scores.
WITH scoring AS (
    DELETE FROM invoice_anomalies.scoring_runs WHERE extract_date = %(extract_date)s
)
UPDATE invoice_anomalies.validation_runs AS run
SET current = false, superseded = run.rows_in
WHERE run.extract_date = %(extract_date)s AND run.current;
