-- With the rights of the owner: a reviewer may judge, and change nothing else of an anomaly.
CREATE OR REPLACE FUNCTION invoice_anomalies.record_verdict() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Together with other verdicts, but not while anomalies are published: those would not know of this one.
    PERFORM pg_advisory_xact_lock_shared(hashtext('invoice_anomalies'), hashtext('reviews'));
    IF NOT EXISTS (
        SELECT FROM invoice_anomalies.anomalies AS anomaly
        WHERE anomaly.invoice_key = NEW.invoice_key AND anomaly.model_version = NEW.model_version
    ) THEN
        -- Else an invoice could be called normal before it was ever flagged.
        RAISE foreign_key_violation USING MESSAGE = format(
            'invoice %s is no anomaly by model version %s; a verdict is about an anomaly that is there, see v_anomaly_fields',
            NEW.invoice_key, NEW.model_version
        );
    END IF;
    -- By whichever version it was flagged, as the query upsert_anomalies does for versions to come.
    UPDATE invoice_anomalies.anomalies AS anomaly
    SET status = NEW.verdict
    WHERE anomaly.invoice_key = NEW.invoice_key AND anomaly.status <> NEW.verdict;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.record_verdict() IS 'Gives the anomalies of a judged invoice the verdict as their status.';
REVOKE ALL ON FUNCTION invoice_anomalies.record_verdict() FROM PUBLIC;
CREATE OR REPLACE TRIGGER record_verdict AFTER INSERT ON invoice_anomalies.reviews
    FOR EACH ROW EXECUTE FUNCTION invoice_anomalies.record_verdict();
