-- Which extracts have rows in quarantine for an invoice of an earlier night that is there no longer?
SELECT DISTINCT extract_date, file
FROM invoice_anomalies.quarantined_invoices AS quarantined
WHERE quarantined.invoice_key IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM invoice_anomalies.invoices AS invoice WHERE invoice.invoice_key = quarantined.invoice_key
    )
ORDER BY extract_date, file;
