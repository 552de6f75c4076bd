-- Is there a table to count vendors in, and for which columns are they counted? (the body of the trigger, if there is one)
SELECT
    to_regclass('invoice_anomalies.vendor_totals') IS NOT NULL,
    (SELECT prosrc FROM pg_proc WHERE oid = to_regproc('invoice_anomalies.count_vendors'));
