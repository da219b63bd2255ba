"""What the server tells about itself: log lines on standard error, one format for every part."""

import logging

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str) -> None:
    """Write messages of at least `level` (debug, info, warning, error) to standard error."""
    logging.basicConfig(level=level.upper(), format=_FORMAT, force=True)
