"""Why an attempt ended as it did: a closed list of our own words, never a text of the remote. Fit for a metric's label."""

from enum import StrEnum


class Cause(StrEnum):
    """The reason in a ``Result``; what is not told apart here needs no other treatment by anybody."""

    UNREACHABLE = "unreachable"  # no connection: nothing was sent
    NAME_NOT_FOUND = "name_not_found"  # the host's name has no address
    TLS_FAILED = "tls_failed"  # the certificate or the handshake: nothing was sent
    FORBIDDEN_ADDRESS = "forbidden_address"  # the host is inside a network that webhooks may not reach
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    REDIRECTED = "redirected"  # redirects are never followed
    UNEXPECTED_ANSWER = "unexpected_answer"  # no answer that the remote's API knows
    RATE_LIMITED = "rate_limited"
    REMOTE_BUSY = "remote_busy"  # it says itself that it did not take the message now
    REMOTE_ERROR = "remote_error"  # 5xx
    CREDENTIALS_REFUSED = "credentials_refused"
    GONE = "gone"  # the place does not exist (any more): a deleted flow, an archived channel, a revoked URL
    CONTENT_REFUSED = "content_refused"  # the remote cannot read what we sent: a fault of ours
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"  # the method's address or number is none
    UNDELIVERABLE = "undeliverable"  # nobody can be reached there: no such mailbox, a landline, an unknown number
    MAILBOX_FULL = "mailbox_full"
    OPTED_OUT = "opted_out"  # the person has refused messages at the provider
    FILTERED = "filtered"  # taken for spam, or against the remote's policy
    ACCOUNT_SUSPENDED = "account_suspended"  # our own account at the provider, or its funds
    HANDSET_UNREACHABLE = "handset_unreachable"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CONGESTION = "congestion"  # the trunk is full, or the number cannot be dialled now
    NO_KEY = "no_key"  # somebody or something answered, and pressed nothing: a voicemail is no delivery
    KEY_ACKNOWLEDGED = "key_acknowledged"  # key 1 was pressed: this is an acknowledgement too
    NOT_SENT = "not_sent"  # Apprise says no more
