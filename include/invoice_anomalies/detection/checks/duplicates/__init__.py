"""The search for invoices that were booked twice, in the terms of record linkage."""
