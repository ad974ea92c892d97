"""The secret finder detects secrets in log records."""

import logging

from tests.secrets import SECRETS, SecretFinder


def test_the_secret_finder_checks_messages_arguments_and_tracebacks(secret_finder: SecretFinder):
    assert secret_finder in logging.getLogger().handlers
    finder = SecretFinder()
    logger = logging.getLogger("alone")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(finder)
    logger.debug("nothing")
    logger.info("the token is %s", SECRETS[1])
    try:
        raise ValueError(SECRETS[0])
    except ValueError:
        logger.exception("with a traceback")
    assert (finder.lines, len(finder.found)) == (3, 2)
