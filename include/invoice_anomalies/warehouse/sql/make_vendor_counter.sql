-- Have every change of the invoices counted by vendor. With the rights of the owner, so that nobody else writes the sums.
CREATE OR REPLACE FUNCTION invoice_anomalies.count_vendors() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body};
COMMENT ON FUNCTION invoice_anomalies.count_vendors() IS 'Adds up the invoices of the vendors that a statement touched; made for the columns of the contract.';
REVOKE ALL ON FUNCTION invoice_anomalies.count_vendors() FROM PUBLIC;
CREATE OR REPLACE TRIGGER count_arrived AFTER INSERT ON invoice_anomalies.invoices
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();
CREATE OR REPLACE TRIGGER count_corrected AFTER UPDATE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS gone NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();
CREATE OR REPLACE TRIGGER count_gone AFTER DELETE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();
