"""Drives a running OpenID Foundation conformance suite against the provider; the suite itself is never part of this tree."""
