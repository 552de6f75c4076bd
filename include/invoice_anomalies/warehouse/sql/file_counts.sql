-- How many rows of this file came, were loaded and are in quarantine, over all its nights?
SELECT coalesce(sum(rows_in), 0), coalesce(sum(valid), 0), coalesce(sum(quarantined), 0)
FROM invoice_anomalies.validation_runs
WHERE current AND success AND file = %(file)s;
