-- Whose invoices are the anomalies that were flagged before their names were kept?
UPDATE invoice_anomalies.anomalies AS anomaly
SET entity_name = invoice.{entity_name}
FROM invoice_anomalies.invoices AS invoice
WHERE invoice.invoice_key = anomaly.invoice_key AND anomaly.entity_name IS NULL AND invoice.{entity_name} IS NOT NULL;
