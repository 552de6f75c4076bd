-- Make the quarantine of this extract what was found now; a row that did not change is not touched.
DELETE FROM invoice_anomalies.quarantined_invoices AS kept
WHERE kept.extract_date = %(extract_date)s
    AND kept.file = %(file)s
    AND NOT EXISTS (SELECT FROM night_quarantine AS night WHERE night.line = kept.line);

INSERT INTO invoice_anomalies.quarantined_invoices AS kept (extract_date, file, line, raw, reasons)
SELECT %(extract_date)s, %(file)s, night.line, night.raw, night.reasons
FROM night_quarantine AS night
ORDER BY night.line
ON CONFLICT (extract_date, file, line) DO UPDATE
SET raw = excluded.raw, reasons = excluded.reasons, quarantined_at = now()
WHERE (kept.raw, kept.reasons) IS DISTINCT FROM (excluded.raw, excluded.reasons);
