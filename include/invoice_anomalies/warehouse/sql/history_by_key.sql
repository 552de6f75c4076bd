-- What came before, where the contract names no entity? (each invoice in one chunk, by its key)
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date >= %(since)s AND extract_date < %(extract_date)s
    AND mod(hashtext(invoice_key)::bigint + 2147483648, %(chunks)s) = %(chunk)s
ORDER BY extract_date, invoice_key COLLATE "C"
