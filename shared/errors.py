"""The root of every error that we raise on purpose. Permanent or transient is a property of the class."""


class PrazoError(Exception):
    """Something that Prazo names; each service has one class of its own below it."""


class Transient(PrazoError):
    """The same call may succeed later without anybody changing anything: retry with backoff."""


class Permanent(PrazoError):
    """The same call fails for ever: do not retry, record why."""
