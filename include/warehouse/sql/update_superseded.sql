-- How many rows of the night's other extracts has this one delivered again?
UPDATE invoice_anomalies.validation_runs AS run
SET superseded = counted.superseded
FROM (
    SELECT other.file, other.valid - count(invoice.invoice_key) AS superseded
    FROM invoice_anomalies.validation_runs AS other
    LEFT JOIN invoice_anomalies.invoices AS invoice
        ON invoice.extract_date = other.extract_date AND invoice.file = other.file
    WHERE other.extract_date = %(extract_date)s AND other.file <> %(file)s AND other.success
    GROUP BY other.file, other.valid
) AS counted
WHERE run.extract_date = %(extract_date)s
    AND run.file = counted.file
    AND run.superseded <> counted.superseded;
