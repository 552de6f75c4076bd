-- How many rows has the quarantine of each extract, and which reason is the most frequent?
-- With the rights of the owner, so that nobody else writes to the counts.
CREATE OR REPLACE FUNCTION invoice_anomalies.count_quarantine() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM invoice_anomalies.quarantine_counts AS kept
    USING (SELECT DISTINCT extract_date, file FROM touched) AS extract
    WHERE kept.extract_date = extract.extract_date AND kept.file = extract.file;

    INSERT INTO invoice_anomalies.quarantine_counts (extract_date, file, rows, top_reason, top_reason_rows)
    SELECT extract.extract_date, extract.file, held.rows, worst.reason, worst.rows
    FROM (SELECT DISTINCT extract_date, file FROM touched) AS extract
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM invoice_anomalies.quarantined_invoices AS quarantined
        WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
    ) AS held
    LEFT JOIN LATERAL (
        SELECT reason, count(*) AS rows
        FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
        WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
        GROUP BY reason
        ORDER BY rows DESC, reason
        LIMIT 1
    ) AS worst ON true
    WHERE held.rows > 0;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.count_quarantine() IS 'Counts the quarantine of the extracts whose rows a statement touched.';
REVOKE ALL ON FUNCTION invoice_anomalies.count_quarantine() FROM PUBLIC;
CREATE OR REPLACE TRIGGER count_inserted AFTER INSERT ON invoice_anomalies.quarantined_invoices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
CREATE OR REPLACE TRIGGER count_changed AFTER UPDATE ON invoice_anomalies.quarantined_invoices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
CREATE OR REPLACE TRIGGER count_deleted AFTER DELETE ON invoice_anomalies.quarantined_invoices
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
