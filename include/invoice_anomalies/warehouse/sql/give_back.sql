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
