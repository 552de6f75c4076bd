UPDATE invoice_anomalies.model_versions SET status = 'rejected' WHERE version = %(version)s AND status = 'challenger';
