-- Which invoices of this extract did a later night hold, having been loaded before? The earliest night keeps an invoice,
-- whatever the order of loading: the later one has it in quarantine, without its scores, as if it had come second.
WITH displaced AS (
    SELECT invoice.invoice_key, invoice.extract_date, invoice.file, invoice.line, {raw} AS raw
    FROM night_invoices AS night
    JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
    WHERE invoice.extract_date > %(extract_date)s
),
of_night AS (
    SELECT extract_date, count(*)::integer AS rows FROM displaced GROUP BY extract_date
),
quarantined AS (
    INSERT INTO invoice_anomalies.quarantined_invoices (extract_date, file, line, raw, reasons, invoice_key)
    SELECT
        extract_date, file, line, raw, ARRAY['already loaded with the extract of ' || %(extract_date)s::date], invoice_key
    FROM displaced
),
quarantined_before AS ( -- by nights that had given way to the displaced one
    UPDATE invoice_anomalies.quarantined_invoices AS later
    SET reasons = ARRAY['already loaded with the extract of ' || %(extract_date)s::date]
    FROM displaced
    WHERE later.invoice_key = displaced.invoice_key
),
scores AS (
    DELETE FROM invoice_anomalies.scores AS score USING displaced WHERE score.invoice_key = displaced.invoice_key
),
anomalies AS (
    DELETE FROM invoice_anomalies.anomalies AS anomaly USING displaced WHERE anomaly.invoice_key = displaced.invoice_key
),
counted AS (
    UPDATE invoice_anomalies.validation_runs AS run
    SET valid = run.valid - of_night.rows, quarantined = run.quarantined + of_night.rows
    FROM of_night
    WHERE run.extract_date = of_night.extract_date AND run.current AND run.success
),
noted AS (
    INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
    SELECT extract_date, %(file)s, 0, 0, rows FROM of_night ORDER BY extract_date
)
SELECT count(*) FROM displaced;
