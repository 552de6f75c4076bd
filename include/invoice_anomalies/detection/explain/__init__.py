"""Explanations: values as a person writes them, precedents, and a finding for each kind of feature.

`explanation.py` puts them together; the slips they recognise are in `slips.py`.
"""
