-- Load the night; an invoice that did not change is not touched, so that loaded_at tells when it did. What a later night
-- held is this night's from now on; what an earlier one holds stays there. (by key: the index then grows page by page)
WITH loaded AS (
    INSERT INTO invoice_anomalies.invoices AS invoice (invoice_key, extract_date, file, line, {fields})
    SELECT night.invoice_key, %(extract_date)s, %(file)s, night.line, {night_fields}
    FROM night_invoices AS night
    ORDER BY night.invoice_key
    ON CONFLICT (invoice_key) DO UPDATE
    SET (extract_date, file, line, {fields}, loaded_at) = ROW(
        excluded.extract_date, excluded.file, excluded.line, {new_fields},
        CASE
            WHEN (invoice.extract_date, {old_fields}) IS DISTINCT FROM (excluded.extract_date, {new_fields}) THEN now()
            ELSE invoice.loaded_at
        END
    )
    WHERE invoice.extract_date >= excluded.extract_date
        AND (invoice.extract_date, invoice.file, invoice.line, {old_fields})
            IS DISTINCT FROM (excluded.extract_date, excluded.file, excluded.line, {new_fields})
    RETURNING xmax = 0 AS added, loaded_at = now() AS changed -- no transaction but the inserting one has touched a new row
)
SELECT
    count(*),
    count(*) FILTER (WHERE added) AS added,
    count(*) FILTER (WHERE changed AND NOT added) AS changed
FROM loaded;
