"""Attacks on a running provider, with real servers: parallel tries (`make races`), kills (`make kills`), time (`make timing`).

They start `idp serve` on throw-away databases and loopback only. Sizes are parameters; the tests in tests/attacks run small
ones. Nothing here is part of what is installed.
"""
