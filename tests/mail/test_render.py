"""Words of the mails: every message in every language, both parts with the same care, nothing unescaped."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from idp import resources
from idp.config import LANGUAGES, BrandingSettings, MailSettings, Settings
from idp.mail.recipient import Recipient, check_address, greeting_name
from idp.mail.render import WIDTH, Rendered, quoted, render, wrap

LINK = "https://id.example.com/confirm/3q2-7wd9Zk1v8b0aQ_pLxM5nRtYcEoUiHsGfJdKwB4"
VALUES: dict[str, Any] = {
    "link": LINK,
    "status_link": "https://id.example.com/register/status/of-this-registration",
    "reset_link": "https://id.example.com/forgot-password",
    "sign_in_link": "https://id.example.com/sign-in",
    "sites_link": "https://id.example.com/account/sites",
    "queue_link": "https://id.example.com/staff",
    "applications": [{"name": "Willi Waiting", "company": "Wasserwerk Süd", "due_at": 1_800_000_000}],
    "devices": [{"serial_number": "AB123Z", "name": "Dora Device", "company": "Aqualab", "due_at": 1_800_000_000}],
    "count": 3,
    "code": "BCDFGHJK",
    "expires_at": 1_800_000_000,
    "at": 1_800_000_000,
    "until": 1_800_000_000,
    "lifetime": 3600,
    "reference": "BCDF-2345",
    "reason": "The device was returned.",
    "user_name": "anna.berg",
    "site_name": "Download library",
    "serial_number": "AB123Z",
    "giver": "bert@example.org",
    "accepted": False,
    "gained": True,
    "has_account": True,
    "outcome": "accepted",
    "devices_link": "https://id.example.com/account/devices",
    "by_staff": True,
    "email": "nora@example.org",
    "text": "Which papers do you need?",
    "topic": "approval",
    "writer": "",
    "language": "en",
    "review_working_days": 2,
}
MESSAGES = sorted(folder.name for folder in (resources.templates_folder() / "mail").iterdir() if folder.is_dir())
SETTINGS = Settings(mail=MailSettings(customer_care="care@example.com"))


def render_one(message: str, *, locale: str = "en", name: str = "Anna Berg", **values: Any) -> Rendered:
    """One message with everything that any of them needs."""
    return render(SETTINGS, message, name=name, locale=locale, values={**VALUES, **values})


def words_of(html: str) -> str:
    """An HTML part as a reader sees it."""
    body = html.partition("<body")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body.partition(">")[2])).split())


def test_there_is_a_folder_for_each_function() -> None:
    """One mail: one function, one folder."""
    from idp import mail

    functions = {name for name in mail.__all__ if name not in ("Recipient", "to_account", "to_registration")}
    assert set(MESSAGES) == functions


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_speaks_in_both_parts(message: str, locale: str) -> None:
    """Subject on one line, greeting, links, customer care and reference in text and HTML alike."""
    rendered = render_one(message, locale=locale)
    assert rendered.subject
    assert "\n" not in rendered.subject
    words = words_of(rendered.html)
    for needed in ("Anna Berg", "care@example.com", "BCDF-2345", SETTINGS.branding.company):
        assert needed in rendered.text
        assert needed in words
    links = set(re.findall(r"https://[^\s<>\"]+", rendered.text))
    assert links or message in ("contact_message", "account_closed")  # by staff: care itself is the way back
    assert links == {unescape(link) for link in re.findall(r'href="(https://[^"]+)"', rendered.html)}
    assert all(link in words for link in links), "each link stands in clear as well"
    assert f'<html lang="{locale}"' in rendered.html


@pytest.mark.parametrize("message", MESSAGES)
def test_the_text_part_is_folded(message: str) -> None:
    """Lines fit a window of 80 characters; links are never broken."""
    for line in render_one(message).text.splitlines():
        assert len(line) <= WIDTH or line.startswith("https://")


@pytest.mark.parametrize("message", ["confirm_registration", "reset_password"])
def test_the_lifetime_stands_right_below_the_link(message: str) -> None:
    """The mail says below the link how long it works (F-1.5, F-2.6)."""
    rendered = render_one(message)
    below = " ".join(rendered.text.partition(LINK)[2].split())
    assert re.match(r"The link works (once, )?for 1 hour, until 15 January 2027, 08:00 UTC\.", below)
    words = words_of(rendered.html)
    assert re.search(
        rf"{re.escape(LINK)} The link works (once, )?for 1 hour, until 15 January 2027, 08:00 UTC\.", words
    )


@pytest.mark.parametrize("message", ["rejected", "suspended", "review_again"])
def test_words_of_staff_are_escaped_and_kept_apart(message: str) -> None:
    """What somebody typed is quoted, line by line, and never becomes markup (RG-10, GO-4)."""
    rendered = render_one(message, reason="<b>No</b> & never\n\nsecond line")
    assert "> <b>No</b> & never\n> second line" in rendered.text
    assert "&lt;b&gt;No&lt;/b&gt; &amp; never<br>second line" in rendered.html
    assert "<b>No" not in rendered.html


@pytest.mark.parametrize("message", MESSAGES)
def test_html_loads_nothing_and_runs_nothing(message: str) -> None:
    """No pictures, no scripts, no forms, nothing foreign (UX, Mails)."""
    html = render_one(message).html
    assert not re.search(r"<(script|img|link|form|iframe|table|object)\b|@import|url\(", html, re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Anna Berg", "Anna Berg"),
        ("  Jörg   O'Neil-Müller ", "Jörg O'Neil-Müller"),
        ("J. R. Núñez", "J. R. Núñez"),
        ("Νίκος Παπαδόπουλος", "Νίκος Παπαδόπουλος"),
        ("www.evil.example", ""),
        ("Visit https://evil.example now", ""),
        ("Anna <a href=x>", ""),
        ("call 0900 123456", ""),
        ("a@b.example", ""),
        ("A" * 61, ""),
        ("", ""),
    ],
)
def test_a_name_that_could_carry_a_message_is_left_out(name: str, greeted: str) -> None:
    """Strangers can have mails sent to others; the greeting is no place for their text (GO-4)."""
    assert greeting_name(name) == greeted
    rendered = render_one("confirm_registration", name=name)
    assert (f"Hello {greeted}," if greeted else "Hello,") in rendered.text
    assert "evil" not in rendered.text


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "Anna <a@b.example>",
        "a@b@c.example",
        "a b@c.example",
        "a@b.example;c@d.example",
        "",
        "a@",
        "x" * 65 + "@b.example",
    ],
)
def test_what_is_not_one_address_is_no_recipient(address: str) -> None:
    """Exactly one recipient, no header in it (RG-10, RS-3)."""
    with pytest.raises(ValueError, match="exactly one"):
        Recipient(address, "", "en")
    with pytest.raises(ValueError, match="exactly one"):
        check_address(address)


def test_times_are_told_in_the_operators_zone() -> None:
    """`[branding] time_zone` counts, and the zone is named."""
    settings = Settings(branding=BrandingSettings(time_zone="Europe/Berlin"))
    rendered = render(settings, "password_changed", name="", locale="en", values=VALUES)
    assert "15 January 2027, 09:00 CET" in " ".join(rendered.text.split())


def test_the_operators_templates_go_first(tmp_path: Path) -> None:
    """A folder of the operator overrides one file and leaves the others."""
    folder = tmp_path / "mail" / "approved"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("Welcome to the lab\n")
    settings = Settings(branding=BrandingSettings(templates=tmp_path))
    rendered = render(settings, "approved", name="", locale="en", values=VALUES)
    assert rendered.subject == "Welcome to the lab"
    assert "Continue to Download library" in rendered.text


def test_folding_keeps_paragraphs_and_quotes() -> None:
    """Empty lines stay one, quoted lines stay quoted."""
    folded = wrap(f"a\n\n\n\n{'word ' * 30}\n> {'said ' * 30}")
    assert folded.startswith("a\n\nword")
    assert all(line.startswith("> ") for line in folded.split("\n") if "said" in line)
    assert quoted(" a \n\n b") == "> a\n> b"


def test_the_confirmation_mail_says_what_another_browser_is_asked() -> None:
    """The password first; the code works instead of it, with a new one (RG-6)."""
    rendered = render_one("confirm_registration")
    for text in (" ".join(rendered.text.split()), words_of(rendered.html)):
        assert "The page asks there for the password you chose. If you do not know it, this code works instead" in text
