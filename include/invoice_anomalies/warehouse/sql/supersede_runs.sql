-- A night is one extract: this one takes the place of the night's others.
UPDATE invoice_anomalies.validation_runs AS run
SET current = false, superseded = run.rows_in
WHERE run.extract_date = %(extract_date)s AND run.file <> %(file)s AND run.current;
