"""Why a request was refused stands in the log, and only there."""

from __future__ import annotations

import logging

import pytest

from tests.support.lobby import Lobby


def test_the_log_says_what_is_wrong_with_a_request_object(lobby: Lobby, caplog: pytest.LogCaptureFixture) -> None:
    """The caller and the page learn that it is not valid; whoever connects the site has to find out why."""
    caplog.set_level(logging.INFO, "idp")
    page = lobby.browser().authorize(client_id="own", request="no.request.object")
    assert "invalid_request_object" in caplog.text
    assert "request object: " in caplog.text
    assert "request object: " not in page.text
