-- Why were rows of this night quarantined, the most frequent reason first?
SELECT reason, count(*)::integer AS rows
FROM invoice_anomalies.quarantined_invoices, unnest(reasons) AS reason
WHERE extract_date = %(extract_date)s
GROUP BY reason
ORDER BY rows DESC, reason;
