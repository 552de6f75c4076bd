-- What are the rows of this extract? (a checksum that their order, the file and its format leave alone; none: no rows)
WITH fit AS (
    SELECT count(*) AS rows, sum(hashtextextended(ROW({night_fields})::text, 0)) AS hash FROM night_invoices AS night
),
unfit AS (
    SELECT count(*) AS rows, sum(hashtextextended(raw, 0)) AS hash FROM night_quarantine
)
SELECT md5(concat_ws('|', fit.rows, fit.hash, unfit.rows, unfit.hash))
FROM fit, unfit
WHERE fit.rows + unfit.rows > 0;
