"""The systems that may publish, as ``tokens.yaml`` says; read again on SIGHUP, and only if it is valid."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from services.intake import metrics
from services.intake.domain.tokens import Token, TokenFile
from shared.config import Misconfigured, read_config

log = structlog.get_logger(__name__)


class Publishers:
    """Whose tokens are taken now: ``tokens``."""

    def __init__(self, tokens: Sequence[Token], path: Path | None = None) -> None:
        self.tokens, self._path = tuple(tokens), path

    @classmethod
    def read(cls, path: Path) -> "Publishers":
        """Return those of a file, none when it is missing; raises ``Misconfigured`` with every error."""
        return cls(read_config(path, TokenFile).tokens if path.exists() else (), path)

    def reload(self) -> None:
        """Read the file again; never raises. Of an invalid one every error is said, and the tokens of before go on, as they
        do when the file is missing: a sender takes 401 for an end."""
        if self._path is None:
            return
        try:
            self.tokens = read_config(self._path, TokenFile).tokens
        except Misconfigured as error:
            metrics.token_reloads.labels("refused").inc()
            log.error("tokens_refused", errors=str(error).splitlines())
            return
        metrics.token_reloads.labels("loaded").inc()
        log.info("tokens_loaded", count=len(self.tokens))
