-- Keep to this night: the invoices of other nights stay as they are.
DELETE FROM night_invoices AS night
USING invoice_anomalies.invoices AS invoice
WHERE invoice.invoice_key = night.invoice_key AND invoice.extract_date <> %(extract_date)s;
