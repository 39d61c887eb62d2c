"""Switches the network off in server processes that tests start: Python imports this module by itself at its start."""

from tests.support.network import install

install()
