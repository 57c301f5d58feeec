"""The certificate of STARTTLS, read again when its files have changed."""

import os
import ssl
from pathlib import Path

import structlog

from shared.config import Misconfigured

log = structlog.get_logger(__name__)


class Certificate:
    """TLS 1.2 or later with the certificate in ``cert_file`` and its key; raises ``Misconfigured`` when they do not fit."""

    def __init__(self, cert_file: Path, key_file: Path | None) -> None:
        self._files = (cert_file, key_file or cert_file)
        try:
            self._seen = self._stamps()
            self._context = self._read()
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"smtp_tls_cert_file, smtp_tls_key_file: {error.strerror or error}") from None

    def context(self) -> ssl.SSLContext:
        """Return the context for a handshake; a renewed certificate counts as soon as it fits its key."""
        try:
            if (stamps := self._stamps()) != self._seen:
                self._context, self._seen = self._read(), stamps
                log.info("certificate_renewed")
        except (OSError, ssl.SSLError) as error:  # the old one is good until the renewal is complete
            log.warning("certificate_not_renewed", error=type(error).__name__)
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files, password=b"")  # an encrypted key fails, instead of asking at a terminal
        return context

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        found = map(os.stat, self._files)
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)
