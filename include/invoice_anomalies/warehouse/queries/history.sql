-- The nights of a history that came in one file.

-- name: nights_of_other_files
-- Which nights hold rows of another file, and which file is it?
SELECT extract_date, min(file)
FROM invoice_anomalies.validation_runs
WHERE current AND success AND rows_in > 0 AND file <> %(file)s
GROUP BY extract_date;

-- name: nights_of_file
-- Which nights hold rows of this file?
SELECT extract_date
FROM invoice_anomalies.validation_runs
WHERE current AND success AND rows_in > 0 AND file = %(file)s
ORDER BY extract_date;

-- name: loaded_nights
-- Which nights up to this one have invoices, and how many?
SELECT extract_date, count(*)
FROM invoice_anomalies.invoices
WHERE extract_date <= %(last)s
GROUP BY extract_date
ORDER BY extract_date;

-- name: make_history_keys
-- Where do the keys of a history wait to be compared?
DROP TABLE IF EXISTS pg_temp.history_keys;
CREATE TEMPORARY TABLE history_keys (
    invoice_key text NOT NULL,
    extract_date date NOT NULL
) ON COMMIT DROP;

-- name: history_elsewhere
-- Which nights have invoices of this history from another file, on another day than the history, and how many?
SELECT invoice.extract_date, min(invoice.file), count(DISTINCT invoice_key) AS rows
FROM history_keys AS history
JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
WHERE invoice.file <> %(file)s AND invoice.extract_date <> history.extract_date
GROUP BY invoice.extract_date
ORDER BY rows DESC, invoice.extract_date;

-- name: night_of_another_file
-- Which other file holds the rows of this night? (none: no row)
SELECT file
FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s AND current AND success AND rows_in > 0 AND file <> %(file)s
ORDER BY file
LIMIT 1;

-- name: file_counts
-- How many rows of this file came, were loaded and are in quarantine, over all its nights?
SELECT coalesce(sum(rows_in), 0), coalesce(sum(valid), 0), coalesce(sum(quarantined), 0)
FROM invoice_anomalies.validation_runs
WHERE current AND success AND file = %(file)s;

-- name: file_reasons
-- Why are rows of this file in quarantine? (the most frequent reasons, with the first line of each)
SELECT reason, count(*) AS rows, min(quarantined.line) AS line
FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
WHERE quarantined.file = %(file)s
GROUP BY reason
ORDER BY rows DESC, line
LIMIT %(most)s;
