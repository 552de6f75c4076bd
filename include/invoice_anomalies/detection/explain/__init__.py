"""Explanations of flagged invoices: typed values of each odd field, what was expected of it and on what grounds.

`explanation.py` ranks the fields and makes the tables; `field_explanation.py` holds the types; `text.py` words values.
"""
