-- Which nights between these are scored on invoices that changed since, by which load, and did their own invoices change?
SELECT
    stale.extract_date,
    stale.newest_load,
    EXISTS (
        SELECT FROM invoice_anomalies.loads AS load
        WHERE load.extract_date = stale.extract_date
            AND load.id > run.known_load
            AND load.added + load.changed > 0
    ) AS own
FROM invoice_anomalies.stale_nights AS stale
JOIN invoice_anomalies.scoring_runs AS run USING (extract_date, model_version)
WHERE stale.extract_date >= %(first)s
ORDER BY stale.extract_date;
