-- What is on record stays: verdicts, loads and withdrawals are added to, never changed.
CREATE OR REPLACE FUNCTION invoice_anomalies.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only; add a new row instead of changing an old one', TG_TABLE_NAME;
END
$$;
-- Everybody may call a new function unless told otherwise.
REVOKE ALL ON FUNCTION invoice_anomalies.refuse_change() FROM PUBLIC;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_anomalies.reviews
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_anomalies.loads
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_anomalies.withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.refuse_change();
