"""``python -m tests.stories.loud SERVICE``: a service that logs everything that it and its libraries have to say."""

import logging
import runpy
import sys

import structlog

from shared import observability, service


def configure_everything(name: str) -> None:
    """Log as the service does, from DEBUG on."""
    observability.configure_logging(name)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("loud").debug("everything is logged")


if __name__ == "__main__":
    wanted = sys.argv[1]
    vars(service)["configure_logging"] = configure_everything
    sys.argv = [wanted, *sys.argv[2:]]
    runpy.run_module(f"services.{wanted}", run_name="__main__")
