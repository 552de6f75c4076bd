-- Where does an extract wait until it is checked? In a table of this transaction, with the contract's columns.
DROP TABLE IF EXISTS pg_temp.night_invoices, pg_temp.night_gone;
CREATE TEMPORARY TABLE night_invoices (
    line integer NOT NULL,
    invoice_key text NOT NULL,
    {columns}
) ON COMMIT DROP;
-- Keys of invoices that the night held and does not deliver any more.
CREATE TEMPORARY TABLE night_gone (invoice_key text PRIMARY KEY) ON COMMIT DROP;
-- A million rows are compared with the invoices by hashing, in memory: of rows that came a moment ago the planner knows
-- nothing, and would compare each with every other.
SET LOCAL work_mem TO '128MB';
SET LOCAL enable_nestloop TO off;
