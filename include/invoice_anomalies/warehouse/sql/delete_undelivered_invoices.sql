-- Which invoices of the night does this extract not deliver? They go, with their scores and anomalies; reviews stay.
WITH gone AS (
    DELETE FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.extract_date = %(extract_date)s
        AND NOT EXISTS (SELECT FROM night_invoices AS night WHERE night.invoice_key = invoice.invoice_key)
    RETURNING invoice.invoice_key
),
kept AS (
    INSERT INTO night_gone SELECT invoice_key FROM gone
),
scores AS (
    DELETE FROM invoice_anomalies.scores AS score USING gone WHERE score.invoice_key = gone.invoice_key
)
SELECT count(*) FROM gone;
