-- Which invoices of the night fall in this chunk? (all of an entity in one; those without an entity by their key)
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date = %(extract_date)s
    AND mod(hashtext({entity})::bigint + 2147483648, %(chunks)s) = %(chunk)s
ORDER BY invoice_key COLLATE "C"
