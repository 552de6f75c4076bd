-- Of which later night does this one hold the largest share, how many rows, and how many has that night delivered?
SELECT given_way.extract_date, given_way.here, given_way.all_nights + (
    SELECT count(*) FROM invoice_anomalies.invoices AS kept WHERE kept.extract_date = given_way.extract_date
) AS delivered
FROM (
    SELECT
        quarantined.extract_date,
        count(*) FILTER (WHERE invoice.extract_date = %(extract_date)s) AS here,
        count(*) AS all_nights
    FROM invoice_anomalies.quarantined_invoices AS quarantined
    JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
    WHERE quarantined.extract_date > %(extract_date)s
    GROUP BY quarantined.extract_date
) AS given_way
WHERE given_way.here > 0
ORDER BY given_way.here::float8 / (given_way.all_nights + (
    SELECT count(*) FROM invoice_anomalies.invoices AS kept WHERE kept.extract_date = given_way.extract_date
)) DESC, given_way.extract_date
LIMIT 1;
