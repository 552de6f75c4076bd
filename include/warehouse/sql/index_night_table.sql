-- Make look-ups in the waiting extract cheap: the planner knows nothing yet of rows that were loaded a moment ago, and
-- would compare every row with every other.
ALTER TABLE night_invoices ADD PRIMARY KEY (invoice_key);
ANALYZE night_invoices;
