-- Who sends invoices, and how much?
CREATE OR REPLACE VIEW invoice_anomalies.v_vendors AS
SELECT
    nullif(total.entity, '') AS entity,
    total.entity_name,
    nullif(total.currency, '') AS currency,
    total.invoices,
    total.amount,
    total.extract_date
FROM invoice_anomalies.vendor_totals AS total;
COMMENT ON VIEW invoice_anomalies.v_vendors IS 'One row per vendor (or whatever the contract names as entity) and currency: invoices loaded and what they add up to.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.entity IS 'Number of the vendor; empty for invoices that name none.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.entity_name IS 'Name of the vendor, on the invoices loaded last.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.currency IS 'Currency of the amount; empty where there is none.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.invoices IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.amount IS 'Their amounts added up, credit notes taken off.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.extract_date IS 'Last night that has an invoice of it.';
