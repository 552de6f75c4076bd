"""The errors an operator may meet. Each message says what was expected, what came, where, and what to do."""


class PipelineError(Exception):
    """Base of every error that is an answer to the reader rather than a fault of the code.

    `retryable` says whether the same call may succeed later with nothing changed by a person.
    """

    retryable = False


class ContractError(PipelineError):
    """The data contract has mistakes; the message lists each with its line, key and remedy."""


class ExtractNotArrivedError(PipelineError):
    """The extract of a night is not (yet) where the contract says."""

    retryable = True


class ExtractOverdueError(ExtractNotArrivedError):
    """The extract of a night is not there, and the run that asks for it waits no longer."""

    retryable = False


class WrongNightError(PipelineError):
    """The run is about no night that there can be, or names two."""


class NightNotLoadedError(PipelineError):
    """The night that is to be scored was never loaded."""


class ExtractUnreadableError(PipelineError):
    """The extract is there but is not what the contract says it is."""


class StorageUnreachableError(ExtractUnreadableError):
    """The storage of the extracts does not answer, or does not let us in."""

    retryable = True


class StorageFullError(PipelineError):
    """A folder of the pipeline has no room left for what was to be written; nothing half-written stays in its place."""

    retryable = True


class StagingError(PipelineError):
    """A file that an earlier task of the run left for this one is gone or cannot be read."""


class NightRefusedError(PipelineError):
    """A table-level rule refused the whole night; nothing of it was loaded."""


class NoModelError(PipelineError):
    """No promoted model may judge this night: none was trained yet."""


class UnknownModelError(NoModelError):
    """The model that was asked for is not (or no longer) in model_versions."""


class BeforeTrainingError(NoModelError):
    """The night is not after the nights that the first model was trained on."""


class TooFewInvoicesError(PipelineError):
    """There are not enough invoices to train on."""


class ArtefactError(PipelineError):
    """A model's folder is missing, incomplete or altered."""


class WarehouseError(PipelineError):
    """The database does not fit the contract, or an invariant of its tables would be broken."""


class WarehouseUnreachableError(WarehouseError):
    """The database does not answer."""

    retryable = True


class MailNotSentError(PipelineError):
    """The mail server of the connection cannot be reached or does not take the message."""

    retryable = True  # mail servers come back, and refuse at times what they take later


class WarehouseBusyError(WarehouseError):
    """The database answers but cannot do this now: locked, at its limits, full, or read-only for the time being."""

    retryable = True
