-- Make the quarantine of this night what was found now; a row that did not change is not touched.
DELETE FROM invoice_anomalies.quarantined_invoices AS kept
WHERE kept.extract_date = %(extract_date)s
    AND NOT (
        kept.file = %(file)s AND EXISTS (SELECT FROM night_quarantine AS night WHERE night.line = kept.line)
    );

INSERT INTO invoice_anomalies.quarantined_invoices AS kept (extract_date, file, line, raw, reasons, invoice_key)
SELECT %(extract_date)s, %(file)s, night.line, night.raw, night.reasons, night.invoice_key
FROM night_quarantine AS night
ON CONFLICT (extract_date, file, line) DO UPDATE
SET raw = excluded.raw, reasons = excluded.reasons, invoice_key = excluded.invoice_key,
    quarantined_at = now()
WHERE (kept.raw, kept.reasons, kept.invoice_key)
    IS DISTINCT FROM (excluded.raw, excluded.reasons, excluded.invoice_key);
