"""No log line of the whole test run may hold a secret."""

import logging

#: Every secret that the tests use anywhere.
SECRETS = ("hunter2", "42:simulator", "somebody_elses")


class SecretFinder(logging.Handler):
    """Reads every log record as it would be written, traceback included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        self.lines += 1
        text = self.format(record)
        if any(secret in text for secret in SECRETS):
            self.found.append(f"{record.name}: {text}")
