-- What came before, from the entities that the night has in this chunk? (of each entity the newest; _place cannot be a
-- field, whose name begins with a letter)
SELECT invoice_key, extract_date, {fields}
FROM (
    SELECT invoice.*, row_number() OVER (
        PARTITION BY {entity} ORDER BY invoice.extract_date DESC, invoice.invoice_key COLLATE "C"
    ) AS _place
    FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.extract_date >= %(since)s AND invoice.extract_date < %(extract_date)s
        AND {entity} IN (
            SELECT {night_entity}
            FROM invoice_anomalies.invoices AS night
            WHERE night.extract_date = %(extract_date)s
                AND mod(hashtext({night_entity})::bigint + 2147483648, %(chunks)s) = %(chunk)s
        )
) AS invoice
WHERE _place <= %(most)s
ORDER BY extract_date, invoice_key COLLATE "C"
