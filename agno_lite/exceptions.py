"""Every error that the package raises on purpose.

    AgnoLiteError
    ├── ConfigurationError          an argument or a setting that cannot work
    ├── ModelError                  the model did not give an answer that can be used
    │   ├── ModelAuthenticationError    a key that was refused, or none (401, 403)
    │   ├── ModelRateLimitError         too many requests (429), after the retries
    │   ├── ModelConnectionError        nobody answered, or the connection broke
    │   └── ModelResponseError          an answer that is not what the protocol promises
    ├── ToolError                   a function tool raised, or cannot be offered
    │   ├── ToolArgumentsError          the model's arguments do not fit the function
    │   └── MemberError                 a member of a team failed at its task
    ├── StorageError                a database said no
    │   ├── StorageConnectionError      it cannot be reached
    │   ├── StorageURLError             the address does not name a database
    │   ├── OwnershipError              a row belongs to another user
    │   ├── MigrationError              the tables are not those of this version
    │   └── EmbeddedServerError         the private PostgreSQL could not be started
    ├── RunLimitError               a run needed more rounds than it may have
    ├── EvaluationError             an evaluated function did not do what its figures would claim
    └── GalleryError                the site generator cannot go on
        ├── SourceError                 a hand-written file is wrong: path and line
        │   ├── NarrativeError              it breaks a rule
        │   └── UnresolvedReferenceError    a name in it resolves to nothing
        └── CaptureError                an example could not be run or recorded

The types are part of the interface, the wording of the messages is not. Each message says
what was expected, what came, and what to do.
"""

from __future__ import annotations


class AgnoLiteError(Exception):
    """Base of every error of this package."""


class ConfigurationError(AgnoLiteError):
    """An argument or a setting that cannot work."""


class ModelError(AgnoLiteError):
    """The model did not give an answer that can be used.

    Attributes:
        status_code: HTTP status of the last answer, `None` where there was none.
    """

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class ModelAuthenticationError(ModelError):
    """The service refused the key, or wants one."""


class ModelRateLimitError(ModelError):
    """The service asked for fewer requests, also after the retries."""


class ModelConnectionError(ModelError):
    """Nobody answered at the address, or the connection broke before the answer was whole."""


class ModelResponseError(ModelError):
    """The service answered with an error of its own, or with something that is no chat completion."""


class ToolError(AgnoLiteError):
    """A function tool raised, or cannot be offered to a model.

    Attributes:
        tool_name: name of the function as the model knows it.
    """

    def __init__(self, message: str, *, tool_name: str) -> None:
        super().__init__(message)
        self.tool_name = tool_name


class ToolArgumentsError(ToolError):
    """The arguments that the model gave do not fit the function's signature."""


class MemberError(ToolError):
    """A member of a team failed at the task that it was given; what ended its run is chained.

    Attributes:
        member_id: the member's id.
    """

    def __init__(self, message: str, *, tool_name: str, member_id: str) -> None:
        super().__init__(message, tool_name=tool_name)
        self.member_id = member_id


class StorageError(AgnoLiteError):
    """A database refused an operation."""


class StorageConnectionError(StorageError):
    """The database cannot be reached."""


class StorageURLError(StorageError):
    """The address does not name a database that this class can use."""


class OwnershipError(StorageError):
    """A session, run or memory belongs to another user.

    Attributes:
        kind: what was asked for: `session`, `run` or `memory`.
        key: its id.
    """

    def __init__(self, message: str, *, kind: str, key: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.key = key


class MigrationError(StorageError):
    """The tables in the database are not those of this version."""


class EmbeddedServerError(StorageError):
    """The private PostgreSQL server could not be started."""


class RunLimitError(AgnoLiteError):
    """A run needed more model rounds than its limit allows."""


class EvaluationError(AgnoLiteError):
    """An evaluated function did not do what its figures would claim.

    It left work undone that it had asked for, or did not ask a model where it should have.
    """


class GalleryError(AgnoLiteError):
    """The site generator cannot go on."""


class SourceError(GalleryError):
    """Something is wrong in a hand-written file.

    Attributes:
        path: the file, relative to the project.
        line: 1-based line, `None` where the whole file is meant.
    """

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {message}")
        self.path = path
        self.line = line


class NarrativeError(SourceError):
    """A narrative or guide breaks a rule: an unknown section or directive, a line number typed by hand."""


class UnresolvedReferenceError(SourceError):
    """A name in a narrative or guide resolves to no symbol, parameter, file, package or declared word."""


class CaptureError(GalleryError):
    """An example could not be run or recorded."""
