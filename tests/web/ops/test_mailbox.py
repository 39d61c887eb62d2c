"""The development mailbox: shows mails on this machine, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idp.config import Server
from idp.mail.mailbox import read_mailbox
from idp.signals.worker import drain_once
from idp.web.ops.mailbox import with_links
from tests.support.post import PostOffice


@pytest.fixture
def post(tmp_path: Path) -> PostOffice:
    """A provider with one mail in its mailbox."""
    made = PostOffice(tmp_path)
    made.write_mail()
    drain_once(made.provider)
    return made


def test_a_mail_is_listed_and_read(post: PostOffice) -> None:
    """Both parts, with links that work."""
    web = post.app.test_client()
    page = web.get("/mailbox").text
    (path,) = re.findall(r'href="(/mailbox/[^"/]+)"', page)
    assert "Choose a new password" in page
    letter = web.get(path)
    link = "http://localhost:8000/reset/the-secret-of-the-link"
    assert f'<a href="{link}">{link}</a>' in letter.text
    assert "frame-src 'self'" in letter.headers["Content-Security-Policy"]
    html = web.get(f"{path}/html")
    assert f'href="{link}"' in html.text
    assert html.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "allow-scripts" not in html.headers["Content-Security-Policy"] + letter.text
    assert html.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_one_address_can_be_picked_out(post: PostOffice) -> None:
    """`?to=` in any case; an address without mails gets a calm page."""
    web = post.app.test_client()
    assert "Choose a new password" in web.get("/mailbox?to=ANNA@example.com").text
    assert "Choose a new password" not in web.get("/mailbox?to=other@example.com").text


@pytest.mark.parametrize("path", ["/mailbox", "/mailbox/{id}", "/mailbox/{id}/html"])
def test_nobody_else_sees_it(post: PostOffice, tmp_path: Path, path: str) -> None:
    """Not from another machine, not with SMTP, not under a public issuer."""
    (kept,) = read_mailbox(post.provider)
    path = path.replace("{id}", kept.message_id)
    assert post.app.test_client().get(path).status_code == 200
    assert post.app.test_client().get(path, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404
    with_smtp = PostOffice(tmp_path, mail_url="smtp://127.0.0.1:2525")
    assert with_smtp.app.test_client().get(path).status_code == 404
    public = PostOffice(tmp_path, server=Server(issuer="https://id.example.com"))
    assert public.app.test_client().get(path, base_url="https://id.example.com").status_code == 404


def test_a_mail_that_is_not_there(post: PostOffice) -> None:
    """404, whatever the path holds."""
    assert post.app.test_client().get("/mailbox/nothing").status_code == 404
    assert post.app.test_client().get("/mailbox/%00%ff/html").status_code in (400, 404)


def test_text_is_escaped_around_links() -> None:
    """A text part never becomes markup (GO-4)."""
    assert str(with_links("<b> https://a.example/?x=1&y=2 </b>")) == (
        '&lt;b&gt; <a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a> &lt;/b&gt;'
    )
