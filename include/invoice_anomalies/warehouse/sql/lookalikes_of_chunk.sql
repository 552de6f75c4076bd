-- Which invoices with an amount of this chunk came before, from entities that the night has not in this chunk?
-- (of each amount the newest; _place cannot be a field, whose name begins with a letter)
WITH chunk AS (
    SELECT {night_entity} AS entity, {night_amount} AS amount
    FROM invoice_anomalies.invoices AS night
    WHERE night.extract_date = %(extract_date)s
        AND mod(hashtext({night_entity})::bigint + 2147483648, %(chunks)s) = %(chunk)s
)
SELECT invoice_key, extract_date, {fields}
FROM (
    SELECT earlier.*, row_number() OVER (
        PARTITION BY {amount} ORDER BY earlier.extract_date DESC, earlier.invoice_key COLLATE "C"
    ) AS _place
    FROM invoice_anomalies.invoices AS earlier
    WHERE earlier.extract_date >= %(since)s AND earlier.extract_date < %(extract_date)s
        AND {amount} IN (SELECT chunk.amount FROM chunk)
        AND {entity} IS NOT NULL
        AND NOT EXISTS (SELECT FROM chunk WHERE chunk.entity = {entity})
) AS invoice
WHERE _place <= %(most)s
ORDER BY extract_date, invoice_key COLLATE "C"
