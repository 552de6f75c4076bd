-- Was this very alert sent before?
SELECT EXISTS (SELECT FROM invoice_anomalies.alerts WHERE digest = %(digest)s);
