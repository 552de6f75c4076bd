-- What came before, from the entities that the night has in this chunk?
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date >= %(since)s AND extract_date < %(extract_date)s
    AND {entity} IN (
        SELECT {night_entity}
        FROM invoice_anomalies.invoices AS night
        WHERE night.extract_date = %(extract_date)s
            AND mod(hashtext({night_entity})::bigint + 2147483648, %(chunks)s) = %(chunk)s
    )
ORDER BY extract_date, invoice_key COLLATE "C"
