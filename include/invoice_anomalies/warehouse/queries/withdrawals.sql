-- Nights taken back, and invoices that a night holds no longer.

-- name: newest_file
-- Which extract speaks for the night? (no row: none)
SELECT file FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s AND current
ORDER BY success DESC, validated_at DESC
LIMIT 1;

-- name: was_taken_back
-- Was the night taken back before?
SELECT EXISTS (SELECT FROM invoice_anomalies.withdrawals WHERE extract_date = %(extract_date)s);

-- name: night_anomaly_count
-- How many invoices of the night are flagged, by whichever version?
SELECT count(DISTINCT invoice_key) FROM invoice_anomalies.anomalies WHERE extract_date = %(extract_date)s;

-- name: end_runs
-- Nothing speaks for this night any more: no extract, no scores.
WITH scoring AS (
    DELETE FROM invoice_anomalies.scoring_runs WHERE extract_date = %(extract_date)s
)
UPDATE invoice_anomalies.validation_runs AS run
SET current = false, superseded = run.rows_in
WHERE run.extract_date = %(extract_date)s AND run.current;

-- name: record_withdrawal
-- Note that the night was taken back.
INSERT INTO invoice_anomalies.withdrawals
    (extract_date, invoices, quarantined, anomalies, given_back, reason, taken_by)
VALUES (
    %(extract_date)s, %(invoices)s, %(quarantined)s, %(anomalies)s, %(given_back)s, %(reason)s, %(taken_by)s
);

-- name: make_gone_table
-- Which invoices does a night hold no longer?
DROP TABLE IF EXISTS pg_temp.night_gone;
CREATE TEMPORARY TABLE night_gone (invoice_key text PRIMARY KEY) ON COMMIT DROP;

-- name: find_gone
-- Which invoices wait in quarantine for one that is there no longer?
INSERT INTO night_gone
SELECT DISTINCT quarantined.invoice_key
FROM invoice_anomalies.quarantined_invoices AS quarantined
WHERE quarantined.invoice_key IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM invoice_anomalies.invoices AS invoice WHERE invoice.invoice_key = quarantined.invoice_key
    );

-- name: give_back
-- Which invoices did this night hold that later ones have in quarantine? The earliest of them holds each from now on, as
-- if the other had never delivered it: typed again from the row that waits there, with the line and file it came in.
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT ON (quarantined.invoice_key)
        quarantined.invoice_key, quarantined.extract_date, quarantined.file, quarantined.line,
        quarantined.raw::jsonb AS raw
    FROM night_gone AS gone
    JOIN invoice_anomalies.quarantined_invoices AS quarantined USING (invoice_key)
    WHERE NOT EXISTS (
        SELECT FROM invoice_anomalies.invoices AS invoice WHERE invoice.invoice_key = quarantined.invoice_key
    )
    ORDER BY quarantined.invoice_key, quarantined.extract_date, quarantined.line
),
given AS (
    INSERT INTO invoice_anomalies.invoices (invoice_key, extract_date, file, line, {fields})
    SELECT invoice_key, extract_date, file, line, {typed}
    FROM waiting
    WHERE raw ?& {headers} -- else the contract has changed since: the night is to be loaded again
    ORDER BY invoice_key
    RETURNING invoice_key, extract_date, file
),
freed AS (
    DELETE FROM invoice_anomalies.quarantined_invoices AS quarantined
    USING given
    WHERE quarantined.invoice_key = given.invoice_key AND quarantined.extract_date = given.extract_date
),
given_way AS ( -- still later nights
    UPDATE invoice_anomalies.quarantined_invoices AS later
    SET reasons = ARRAY['already loaded with the extract of ' || given.extract_date]
    FROM given
    WHERE later.invoice_key = given.invoice_key AND later.extract_date <> given.extract_date
),
of_night AS (
    SELECT extract_date, file, count(*)::integer AS rows FROM given GROUP BY extract_date, file
),
counted AS (
    UPDATE invoice_anomalies.validation_runs AS run
    SET valid = run.valid + of_night.rows, quarantined = run.quarantined - of_night.rows
    FROM of_night
    WHERE run.extract_date = of_night.extract_date AND run.current AND run.success
),
noted AS (
    INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
    SELECT extract_date, file, rows, 0, 0 FROM of_night ORDER BY extract_date
)
SELECT extract_date, rows FROM of_night ORDER BY extract_date;

-- name: nights_to_reload
-- Which extracts have rows in quarantine for an invoice of an earlier night that is there no longer?
SELECT DISTINCT extract_date, file
FROM invoice_anomalies.quarantined_invoices AS quarantined
WHERE quarantined.invoice_key IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM invoice_anomalies.invoices AS invoice WHERE invoice.invoice_key = quarantined.invoice_key
    )
ORDER BY extract_date, file;
