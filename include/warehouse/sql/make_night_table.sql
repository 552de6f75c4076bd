-- Where does an extract wait until it is checked? In a table of this transaction, with the contract's columns.
DROP TABLE IF EXISTS pg_temp.night_invoices;
CREATE TEMPORARY TABLE night_invoices (
    line integer NOT NULL,
    invoice_key text NOT NULL,
    {columns}
) ON COMMIT DROP;
