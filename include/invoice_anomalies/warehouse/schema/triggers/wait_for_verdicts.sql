-- Are verdicts given at this moment? Anomalies are published after them, and know of them.
CREATE OR REPLACE FUNCTION invoice_anomalies.wait_for_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('reviews'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.wait_for_verdicts() IS 'Lets verdicts that are being recorded end first, and later ones wait, while anomalies are published.';
REVOKE ALL ON FUNCTION invoice_anomalies.wait_for_verdicts() FROM PUBLIC;
CREATE OR REPLACE TRIGGER wait_for_verdicts BEFORE INSERT OR DELETE ON invoice_anomalies.anomalies
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.wait_for_verdicts();
