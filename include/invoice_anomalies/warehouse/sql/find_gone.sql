-- Which invoices wait in quarantine for one that is there no longer?
INSERT INTO night_gone
SELECT DISTINCT quarantined.invoice_key
FROM invoice_anomalies.quarantined_invoices AS quarantined
WHERE quarantined.invoice_key IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM invoice_anomalies.invoices AS invoice WHERE invoice.invoice_key = quarantined.invoice_key
    );
