-- Load the night; an invoice that did not change is not touched, so that loaded_at tells when it did.
INSERT INTO invoice_anomalies.invoices AS invoice (invoice_key, extract_date, file, {fields})
SELECT night.invoice_key, %(extract_date)s, %(file)s, {night_fields}
FROM night_invoices AS night
ORDER BY night.line
ON CONFLICT (invoice_key) DO UPDATE
SET (file, {fields}, loaded_at) = ROW(excluded.file, {new_fields}, now())
WHERE (invoice.file, {old_fields}) IS DISTINCT FROM (excluded.file, {new_fields});
