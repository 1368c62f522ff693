"""The warning goes to the root logger.

Incident: The level that is set for metrics does not hold for it, and the first one sets up logging for the whole process.
Fails: 2
Says: logger and level
"""


class Registry:
    def _warn(self, name: str) -> None:
        logging.warning(
            "%s has its %d series; new label sets go to %s", name, self._max_series, series_key(name, OVERFLOW)
        )
