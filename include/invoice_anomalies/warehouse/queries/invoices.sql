-- Invoices to train on and to score. They run within COPY (...), which takes no semicolon.

-- name: invoices_of_window
-- Which invoices came in these nights?
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date >= %(since)s AND extract_date < %(before)s
ORDER BY extract_date, invoice_key COLLATE "C"

-- name: invoices_of_chunk
-- Which invoices of the night fall in this chunk? (all of an entity in one; those without an entity by their key)
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date = %(extract_date)s
    AND mod(hashtext({entity})::bigint + 2147483648, %(chunks)s) = %(chunk)s
ORDER BY invoice_key COLLATE "C"

-- name: history_of_chunk
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

-- name: history_by_key
-- What came before, where the contract names no entity? (each invoice in one chunk, by its key)
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date >= %(since)s AND extract_date < %(extract_date)s
    AND mod(hashtext(invoice_key)::bigint + 2147483648, %(chunks)s) = %(chunk)s
ORDER BY extract_date, invoice_key COLLATE "C"

-- name: lookalikes_of_chunk
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
