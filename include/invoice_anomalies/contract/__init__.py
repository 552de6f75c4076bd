"""The data contract: the one file that names the columns of a company, and what is expected of them."""

from invoice_anomalies.contract.schema import Contract, json_schema, load_contract

__all__ = ["Contract", "json_schema", "load_contract"]
