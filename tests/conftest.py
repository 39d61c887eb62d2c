"""Fixtures for all tests; each kind lives in its own file in tests/support/."""

# First of all: importing Authlib adds a filter for its own deprecation warnings to the whole process. Here it is added
# before pytest sets ours, which turn every warning into an error; inside a test it would go before them.
import authlib.deprecate  # noqa: F401

pytest_plugins = [
    "tests.support.network",
    "tests.support.secret_watch",
    "tests.support.databases",
    "tests.support.smtp",
    "tests.support.browser",
    "tests.support.lobby",
    "tests.support.tokens",
]
