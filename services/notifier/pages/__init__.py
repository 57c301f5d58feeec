"""The acknowledgement pages, for a phone at three in the morning: GET shows, POST acts. No log-in, no scripts.

A link proves one notice of one person and leads to what that page told of, as it stands now. It ends with the alert: after
that the page says how it ended and offers nothing. ``Accept: application/json`` gets the same as data.
"""

from services.notifier.pages.site import Pages

__all__ = ["Pages"]
