-- How good is what comes?
CREATE OR REPLACE VIEW invoice_anomalies.v_data_quality AS
SELECT
    run.extract_date,
    run.file,
    run.success,
    run.rows_in,
    run.valid,
    run.quarantined,
    run.quarantined::float8 / nullif(run.rows_in, 0) AS quarantined_share,
    counted.top_reason,
    counted.top_reason_rows,
    array_to_string(run.problems, '; ') AS problems,
    array_to_string(run.warnings, '; ') AS warnings,
    run.data_docs,
    run.validated_at,
    run.current,
    coalesce(corrected.times, 0)::integer AS corrections,
    corrected.last_at AS last_corrected_at
FROM invoice_anomalies.validation_runs AS run
LEFT JOIN invoice_anomalies.quarantine_counts AS counted
    ON counted.extract_date = run.extract_date AND counted.file = run.file
LEFT JOIN (
    SELECT later.extract_date, count(*) AS times, max(later.loaded_at) AS last_at
    FROM invoice_anomalies.loads AS later
    WHERE EXISTS (
        SELECT FROM invoice_anomalies.loads AS first
        WHERE first.extract_date = later.extract_date AND first.id < later.id
    )
    GROUP BY later.extract_date
) AS corrected ON corrected.extract_date = run.extract_date;
COMMENT ON VIEW invoice_anomalies.v_data_quality IS 'One row per validated extract: how much of it was fit, and what was wrong with the rest.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.extract_date IS 'Night of the extract.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.file IS 'Where the extract lay.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.success IS 'False: the night was refused as a whole.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.rows_in IS 'Rows in the extract.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.valid IS 'Rows loaded.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.quarantined IS 'Rows sent to quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.quarantined_share IS 'Share of the rows sent to quarantine, 0 to 1.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.top_reason IS 'Most frequent reason for quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.top_reason_rows IS 'Rows with that reason.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.problems IS 'Why the night was refused, joined by semicolons; empty where it was not.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.warnings IS 'Broken rules that only warn, joined by semicolons.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.data_docs IS 'Path of the Data Docs page of this validation.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.validated_at IS 'When the extract was validated.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.current IS 'False: another extract of the same night took the place of this one.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.corrections IS 'How often the loaded invoices of the night were changed later.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.last_corrected_at IS 'When they were changed last; empty where they never were.';
