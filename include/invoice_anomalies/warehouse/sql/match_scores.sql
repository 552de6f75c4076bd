-- Does every invoice of the night have its score, and every score its invoice? (both hold where the three are equal)
ANALYZE night_scores;
SELECT
    (SELECT count(*) FROM night_scores),
    (SELECT count(*) FROM invoice_anomalies.invoices WHERE extract_date = %(extract_date)s),
    (
        SELECT count(*)
        FROM night_scores
        JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
        WHERE invoice.extract_date = %(extract_date)s
    );
