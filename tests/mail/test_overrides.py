"""The operator's own words for mails: single blocks, single languages, and never a mail lost by them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from idp import resources
from idp.config import LANGUAGES, BrandingSettings, Settings
from idp.mail.outgoing import Draft
from idp.mail.overrides import BLOCKS, find_fault, find_file_faults
from idp.mail.previews import list_messages, write_sample
from idp.mail.render import Rendered, render
from tests.mail.test_render import MESSAGES, VALUES
from tests.support.lobby import Lobby
from tests.web.staff.test_desk import house, sit_down

__all__ = ["house"]

PAGE = resources.PACKAGE.parent / "docs" / "mail-texts.md"
VERSION = f"{{# blocks {BLOCKS} #}}"
COMMON = {"greeting", "locale", "account_name", "company", "accent", "customer_care", "reference", "subject"}


def write(folder: Path, name: str, text: str) -> Settings:
    """A template of the operator; out: settings that name its folder."""
    path = folder / "mail" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Settings(branding=BrandingSettings(templates=folder))


def mail(settings: Settings, message: str = "approved", locale: str = "en") -> Rendered:
    """One message with everything that any of them needs."""
    return render(settings, message, name="Anna Berg", locale=locale, values=VALUES)


@pytest.mark.parametrize("part", ["body.txt", "body.html"])
def test_one_block_is_changed_and_the_others_stay_ours(tmp_path: Path, part: str) -> None:
    """The parent is our template of the same name."""
    text = f'{VERSION}{{% extends "ours/approved/{part}" %}}{{% block why %}}Because {{{{ company }}}} knows you.{{% endblock %}}'
    made = mail(write(tmp_path, f"approved/{part}", text))
    shown = made.text if part == "body.txt" else made.html
    assert "Because Example Instruments knows you." in shown
    assert "You get this mail because" not in shown
    assert "approved: the content" in " ".join(shown.split())


def test_words_for_one_language_leave_the_others_alone(tmp_path: Path) -> None:
    """A file named with the language goes before the one for all."""
    write(tmp_path, "approved/subject.txt", "For all")
    settings = write(tmp_path, "approved/subject.de.txt", "Willkommen im Labor")
    assert mail(settings, locale="de").subject == "Willkommen im Labor"
    assert mail(settings, locale="fr").subject == "For all"


def test_a_change_counts_without_a_restart(tmp_path: Path) -> None:
    """A file that is new, and one that is gone."""
    settings = write(tmp_path, "rejected/subject.txt", "x")
    ours = mail(settings).subject
    write(tmp_path, "approved/subject.txt", "First")
    assert mail(settings).subject == "First"
    (tmp_path / "mail" / "approved" / "subject.txt").unlink()
    assert mail(settings).subject == ours


def test_an_own_layout_frames_every_mail(tmp_path: Path) -> None:
    """Our templates extend the operator's frame where there is one, and the frame may extend ours."""
    settings = write(tmp_path, "_layout.txt", '{% extends "ours/_layout.txt" %}{% block why %}Our lab.{% endblock %}')
    assert "content for customers is open" in " ".join(mail(settings).text.split())
    settings = write(tmp_path, "_layout.txt", "LAB\n{% block content %}{% endblock %}")
    for message in MESSAGES:
        assert mail(settings, message).text.startswith("LAB\n")


@pytest.mark.parametrize("text", ["{{ nothing }}", "{% if %}", "{{ 1 / 0 }}", '{% extends "ours/nobody/body.txt" %}'])
def test_a_template_that_fails_loses_no_mail(tmp_path: Path, text: str) -> None:
    """The whole mail goes out in our words; the operator is told beforehand."""
    settings = write(tmp_path, "approved/body.txt", text)
    assert mail(settings) == mail(Settings())
    assert find_fault(settings, Draft("approved", VALUES), "en", name="")


def test_what_customers_put_in_stays_escaped_in_own_html(tmp_path: Path) -> None:
    """An operator's HTML part is HTML as ours is (RG-10)."""
    settings = write(tmp_path, "approved/body.html", "<p>{{ greeting }}</p>")
    made = render(settings, "approved", name="Anna <b>Berg</b>", locale="en", values=VALUES)
    assert "<b>" not in made.html


def test_a_lost_link_is_told(tmp_path: Path) -> None:
    """A confirmation mail without its link is of no use to anybody."""
    settings = write(tmp_path, "reset_password/body.html", "<p>Choose a new password.</p>")
    fault = find_fault(settings, Draft("reset_password", VALUES), "en", name="")
    assert fault == "link is missing in the HTML part"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("approved/body.txt", '{% extends "ours/approved/body.txt" %}', "names no version"),
        ("approved/body.txt", '{# blocks 99 #}{% extends "_layout.txt" %}', "was written for blocks 99"),
        ("approved/body.txt", VERSION + '{% extends "ours/approved/body.txt" %}{% block x %}{% endblock %}', "block x"),
        ("approved/body.pt.txt", "x", "no part of a mail"),
        ("approved/subject.html", "x", "no part of a mail"),
        ("body.txt", "x", "no part of a mail"),
        ("aproved/body.txt", "x", "no mail aproved"),
    ],
)
def test_a_file_that_changes_nothing_is_told(tmp_path: Path, name: str, text: str, fault: str) -> None:
    """A slip in a name is no silent slip."""
    ((path, told),) = find_file_faults(write(tmp_path, name, text))
    assert str(path) == name
    assert fault in told


def test_sound_files_have_no_faults(tmp_path: Path) -> None:
    """Own building blocks, a subject, a block of a parent's parent."""
    write(tmp_path, "_parts.html", "x")
    write(tmp_path, "approved/subject.es.txt", "x")
    text = VERSION + '{% extends "ours/remind_registration/body.txt" %}{% block why %}x{% endblock %}'
    assert list(find_file_faults(write(tmp_path, "remind_registration/body.txt", text))) == []


def test_the_page_has_every_mail_with_its_blocks_and_values(house: Lobby) -> None:
    """docs/mail-texts.md is what operators write by."""
    text = PAGE.read_text(encoding="utf-8")
    assert f"{{# blocks {BLOCKS} #}}" in text
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    common = {name for name in rows if name in COMMON}
    assert common == COMMON
    assert rows.keys() - COMMON == set(MESSAGES)
    for message in list_messages():
        values = set(write_sample(house.provider, message, LANGUAGES[0]).values)
        values = {"review_promise" if name == "review_working_days" else name for name in values} - COMMON
        assert set(re.findall(r"`(\w+)`", rows[message])) == values, message


def test_the_page_of_previews_says_what_is_wrong(house: Lobby, tmp_path: Path) -> None:
    """And shows what goes out instead."""
    browser, _staff = sit_down(house, "administrator")
    assert "do not serve" not in browser.get("/staff/mail/previews/approved/en").text
    own = write(tmp_path, "approved/body.txt", "{{ nothing }}")
    changed = house.provider.settings.model_copy(update={"branding": own.branding})
    house.app.extensions["idp"] = dataclasses.replace(house.provider, settings=changed)
    page = browser.get("/staff/mail/previews/approved/en").text
    assert "Your own words for this mail do not serve" in page
    assert "&#39;nothing&#39; is undefined" in page
    assert "the content for customers is open" in " ".join(page.split())
