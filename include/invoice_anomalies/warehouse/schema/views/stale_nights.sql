-- Which scored nights rest on invoices that changed since?
CREATE OR REPLACE VIEW invoice_anomalies.stale_nights AS
SELECT run.extract_date, run.model_version, newest.id AS newest_load
FROM invoice_anomalies.scoring_runs AS run
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
CROSS JOIN LATERAL (
    SELECT max(load.id) AS id
    FROM invoice_anomalies.loads AS load
    WHERE load.extract_date BETWEEN run.history_from AND run.extract_date AND load.id > run.known_load
) AS newest
WHERE newest.id IS NOT NULL;
COMMENT ON VIEW invoice_anomalies.stale_nights IS 'Nights whose scores rest on invoices that changed since: to be scored again. Usually empty.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.model_version IS 'Model version that speaks for it.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.newest_load IS 'Last load that changed what the scores rest on.';
