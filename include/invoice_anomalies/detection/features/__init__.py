"""Features: what is measured of each field of an invoice."""
