"""Check the contract in force and try it on an extract: `python -m invoice_anomalies.contract`."""

import sys

from invoice_anomalies.contract.trial import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
