"""Find secrets in the log lines of the test run."""

import logging

#: All secrets that the tests use.
SECRETS = ("hunter2", "42:simulator", "somebody_elses")


class SecretFinder(logging.Handler):
    """Formats every log record, traceback included, and keeps those with a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Check one record."""
        self.lines += 1
        text = self.format(record)
        if any(secret in text for secret in SECRETS):
            self.found.append(f"{record.name}: {text}")
