"""Pages: the building blocks, the operator's brand, and where forms may end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from wtforms import BooleanField, Form, PasswordField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined,unused-ignore]  # newer than the stubs
from wtforms.validators import InputRequired

from idp import create_app
from idp.config import BrandingSettings
from idp.web import brand
from idp.web.form_targets import allow_form_target
from tests.test_smoke import settings_in

DARK_SURFACE = (23, 29, 35)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A provider with an empty database."""
    return create_app(settings_in(tmp_path_factory.mktemp("pages")))


class Sample(Form):
    """One field of each kind."""

    name = StringField("Name", [InputRequired("Enter your name.")])
    secret = PasswordField("Password")
    country = SelectField("Country", choices=[SelectChoice("DE", "Germany")])
    keep = BooleanField("Keep")


def show(app: Flask, source: str, form: Form) -> str:
    """A piece of a page that uses the macros."""
    head = '{% from "macros.html" import field, password_field, select_field, checkbox, error_summary, facts with context %}'
    with app.test_request_context("/"):
        return render_template_string(head + source, form=form)


@pytest.mark.parametrize(
    "macro", ["field(form.name)", "password_field(form.secret)", "select_field(form.country)", "checkbox(form.keep)"]
)
def test_every_control_has_its_label(app: Flask, macro: str) -> None:
    """A label names the control by its id (WCAG 2.2 §1.3.1)."""
    text = show(app, "{{ " + macro + " }}", Sample())
    control = re.search(r'<(?:input|select)[^>]* id="([a-z]+)"', text)
    assert control
    assert f'<label for="{control[1]}">' in text


def test_an_error_is_said_at_the_field_and_above_the_form(app: Flask) -> None:
    """The summary takes the focus and links to the field; the field is described by hint and error (UX 4)."""
    form = Sample(data={})
    form.validate()
    text = show(app, '{{ error_summary(form) }}{{ field(form.name, hint="As in your passport.") }}', form)
    assert 'id="error-summary" autofocus' in text
    assert '<a href="#name">Enter your name.</a>' in text
    assert 'aria-describedby="name-hint name-error"' in text
    assert 'aria-invalid="true"' in text
    assert 'id="name-hint"' in text
    assert 'id="name-error"' in text


def test_what_was_typed_is_escaped(app: Flask) -> None:
    """GO-4, IV-8."""
    form = Sample(data={"name": '"><script>alert(1)</script>'})
    text = show(app, '{{ field(form.name) }}{{ facts([(_("Name"), form.name.data)]) }}', form)
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 2


def test_facts_leave_out_what_is_not_known(app: Flask) -> None:
    """An empty row tells nobody anything."""
    text = show(app, '{{ facts([("A", "one"), ("B", ""), ("C", none), ("D", form.nothing)]) }}', Sample())
    assert re.findall("<dt>(.)</dt>", text) == ["A"]


@pytest.mark.parametrize("accent", ["#0b5fa5", "#000000", "#7a0019", "#006644", "#4b0082"])
def test_the_accent_is_readable_in_the_dark(accent: str) -> None:
    """4.5:1 for text (WCAG 2.2 §1.4.3)."""
    shown = brand.accent_for_dark(accent)
    colour = tuple(int(shown[at : at + 2], 16) for at in (1, 3, 5))
    assert brand.contrast(colour, DARK_SURFACE) >= 4.5


def test_contrast_is_computed_as_the_standard_says() -> None:
    """Black on white is 21:1."""
    assert round(brand.contrast((0, 0, 0), (255, 255, 255)), 2) == 21


def test_the_operators_templates_and_logo_come_first(tmp_path: Path) -> None:
    """A template folder overrides single blocks, a logo file takes the drawing's place (UX, look)."""
    (tmp_path / "own" / "errors").mkdir(parents=True)
    (tmp_path / "own" / "errors" / "problem.html").write_text(
        "{% extends 'base.html' %}{% block main %}<p>Ours</p>{% endblock %}"
    )
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    branding = BrandingSettings(templates=tmp_path / "own", logo=tmp_path / "logo.svg", accent="#7a0019")
    client = create_app(settings_in(tmp_path).model_copy(update={"branding": branding})).test_client()
    text = client.get("/nothing").text
    assert "<p>Ours</p>" in text
    assert '<img class="mark" src="/brand/logo"' in text
    assert "--brand: #7a0019" in text
    with client.get("/brand/logo") as answer:
        assert answer.mimetype == "image/svg+xml"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_without_a_logo_there_is_none(app: Flask) -> None:
    """404, not an empty picture."""
    assert app.test_client().get("/brand/logo").status_code == 404


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://site.example/cb?x=1", "https://site.example"),
        ("https://site.example:8443/cb", "https://site.example:8443"),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000"),
        ("com.example.app:/cb", "com.example.app:"),
    ],
)
def test_forms_may_end_at_a_site_that_a_view_names(app: Flask, uri: str, source: str) -> None:
    """`form-action` covers the redirects after the form as well (WB-3)."""
    from idp.web.content_policy import policy

    with app.test_request_context("/"):
        allow_form_target(uri)
        assert f"form-action 'self' {source};" in policy()
    with app.test_request_context("/"):
        assert "form-action 'self';" in policy()
