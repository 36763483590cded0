"""What can go wrong, as one family: a front end catches `EngineError` and prints its sentence.

Each exception's text is one line that names the value at fault and what is allowed or what to do.
"""


class EngineError(Exception):
    """Anything the engine refuses or cannot do, said in one line."""


class InvalidValue(EngineError):
    """A setting, a file's content or a request that is outside what is allowed."""


class SessionError(EngineError):
    """A session file that is missing, not a session, damaged, of a newer version or in use."""


class StorageError(EngineError):
    """The machine would not store what was measured: the disk is full or cannot be written."""


class TrainingError(EngineError):
    """Training cannot go on: a network's weights have left the range of floating point."""
