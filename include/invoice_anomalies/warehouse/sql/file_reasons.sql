-- Why are rows of this file in quarantine? (the most frequent reasons, with the first line of each)
SELECT reason, count(*) AS rows, min(quarantined.line) AS line
FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
WHERE quarantined.file = %(file)s
GROUP BY reason
ORDER BY rows DESC, line
LIMIT %(most)s;
