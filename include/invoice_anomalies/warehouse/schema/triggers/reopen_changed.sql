-- A verdict is about the values that were judged: where a corrected extract changes them, the anomaly is open again.
CREATE OR REPLACE FUNCTION invoice_anomalies.reopen_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE invoice_anomalies.anomalies AS anomaly
    SET status = 'open'
    FROM before JOIN changed USING (invoice_key)
    WHERE anomaly.invoice_key = changed.invoice_key
        AND changed.loaded_at > before.loaded_at
        AND anomaly.status <> 'open';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.reopen_changed() IS 'Opens the anomalies of invoices whose values have changed.';
REVOKE ALL ON FUNCTION invoice_anomalies.reopen_changed() FROM PUBLIC;
CREATE OR REPLACE TRIGGER reopen_changed AFTER UPDATE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.reopen_changed();
