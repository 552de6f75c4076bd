"""Paths of the pipeline: one root folder for its files, set by INVOICES_HOME, and the contract in force."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

KEEP_STAGED = timedelta(days=14)  # long enough to look into a run that failed over the holidays
PACKAGE = Path(__file__).resolve().parent
CONTRACT = "invoices.yaml"
# A checkout, or its folders beside an Airflow: the contract is the company's own file, outside of the package.
PROJECT = PACKAGE.parent.parent
CHECKOUT = (PACKAGE.parent / CONTRACT).exists()


@dataclass(frozen=True)
class Paths:
    """The folders below one root; all tasks of a deployment share it (a volume, or one machine)."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """Take the root from INVOICES_HOME, else `var/` in the checkout, else `invoices/` in Airflow's home."""
        airflow = Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow")
        return cls(
            Path(os.environ.get("INVOICES_HOME") or (PROJECT / "var" if CHECKOUT else airflow / "invoices")).absolute()
        )

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    def staging(self, extract_date: date) -> Path:
        """Folder for the files that pass between the tasks of one night; made when asked for."""
        return self._made(self.root / "staging" / extract_date.isoformat())

    def sweep_staging(self, today: date) -> None:
        """Delete the staged files of runs that ended long ago; what they held is in the warehouse."""
        for folder in (self.root / "staging").glob("*/*"):
            age = today - date.fromtimestamp(folder.stat().st_mtime)
            if folder.is_dir() and age > KEEP_STAGED:
                shutil.rmtree(folder, ignore_errors=True)

    def data_docs(self, extract_date: date) -> Path:
        """Folder of the night's Data Docs; one a night, so that two nights never write to the same site."""
        return self._made(self.root / "data_docs" / extract_date.isoformat())

    def history_docs(self, file: str) -> Path:
        """Folder of the Data Docs of a history, one a file; they are of no night."""
        return self._made(self.root / "data_docs" / f"history-{hashlib.sha256(file.encode()).hexdigest()[:12]}")

    def _made(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def contract_path() -> Path:
    """The contract in force: INVOICES_CONTRACT, else include/invoices.yaml; an installed package has it inside."""
    default = PACKAGE.parent / CONTRACT if CHECKOUT else PACKAGE / CONTRACT
    return Path(os.environ.get("INVOICES_CONTRACT") or default).absolute()
