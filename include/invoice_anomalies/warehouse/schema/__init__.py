"""The tables, views, triggers and rights of the invoices database, and the migrations that bring a database to them."""
