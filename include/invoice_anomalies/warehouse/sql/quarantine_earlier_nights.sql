-- Which invoices of this extract does an earlier night hold? It keeps them.
INSERT INTO night_quarantine (line, raw, reasons, invoice_key, held_by)
SELECT night.line, {raw}, ARRAY['already loaded with the extract of ' || invoice.extract_date], invoice_key,
    invoice.extract_date
FROM night_invoices AS night
JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
WHERE invoice.extract_date < %(extract_date)s;
