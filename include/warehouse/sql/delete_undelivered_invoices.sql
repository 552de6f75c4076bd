-- Which invoices of this extract does its corrected form no longer deliver? They go, with their scores and anomalies.
WITH gone AS (
    DELETE FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.extract_date = %(extract_date)s
        AND invoice.file = %(file)s
        AND NOT EXISTS (SELECT FROM night_invoices AS night WHERE night.invoice_key = invoice.invoice_key)
    RETURNING invoice.invoice_key
)
DELETE FROM invoice_anomalies.scores AS score USING gone WHERE score.invoice_key = gone.invoice_key;
