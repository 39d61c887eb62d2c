"""A visitor without scripts: follows links, fills in the forms that pages really have, keeps cookies.

What a page does not offer cannot be sent by accident: hidden fields (CSRF tokens) come from the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    """A form of a page: where it goes, how, and what is in it already."""

    action: str
    method: str
    element_id: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    checkboxes: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.ids: dict[str, str] = {}
        self._form: Form | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._textarea: str | None = None
        self._textarea_text = ""
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids[values["id"]] = tag
        if tag in ("script", "style"):
            self._skip += 1
        if tag == "a":
            self.links.append((values.get("id", ""), values.get("href", "")))
        if tag == "form":
            self._form = Form(values.get("action", ""), values.get("method", "get").lower(), values.get("id", ""))
            self.forms.append(self._form)
        form = self._form
        if form is None:
            return
        name, value = values.get("name", ""), values.get("value", "")
        if tag == "input":
            kind = values.get("type", "text")
            if kind in ("submit", "image"):
                form.buttons[values.get("id", name)] = (name, value)
            elif kind in ("checkbox", "radio"):
                form.checkboxes[name + ("=" + value if kind == "radio" else "")] = value or "on"
                if "checked" in values:
                    form.fields.append((name, value or "on"))
            elif name:
                form.fields.append((name, value))
        elif tag == "button":
            form.buttons[values.get("id", name)] = (name, value)
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select is not None:
            self._options.append((value, "selected" in values))
        elif tag == "textarea":
            self._textarea, self._textarea_text = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._skip -= 1
        if tag == "form":
            self._form = None
        if self._form is None:
            return
        if tag == "select" and self._select is not None:
            chosen = [value for value, selected in self._options if selected] or [v for v, _ in self._options[:1]]
            self._form.fields.extend((self._select, value) for value in chosen)
            self._select = None
        if tag == "textarea" and self._textarea is not None:
            self._form.fields.append((self._textarea, self._textarea_text.removeprefix("\n")))
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea_text += data
        if not self._skip and data.strip():
            self.text.append(data.strip())


@dataclass(frozen=True)
class Page:
    """An answer, read as a page."""

    url: str
    status: int
    html: str
    forms: list[Form]
    links: list[tuple[str, str]]
    text: str
    ids: dict[str, str]
    response: Any

    def form(self, button: str) -> Form:
        """The form with this button id."""
        for form in self.forms:
            if button in form.buttons:
                return form
        raise AssertionError(f"no button {button!r} on {self.url} ({self.status}): {self.text[:600]}")


def read_page(url: str, status: int, html: str, response: Any = None) -> Page:
    """An HTML answer as a page; `response` is whatever it came in."""
    reader = _Reader()
    reader.feed(html)
    return Page(url, status, html, reader.forms, reader.links, " ".join(reader.text), reader.ids, response)


class Visitor:
    """One browser without scripts."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        self.page: Page | None = None

    def get(self, address: str) -> Page:
        """Open an address; redirects are followed."""
        return self._take(self.session.get(urljoin(self.base, address), timeout=20))

    def submit(self, button: str, **values: str) -> Page:
        """Fill in the form with this button and send it; a field that the form lacks fails."""
        assert self.page is not None
        form = self.page.form(button)
        fields = dict(form.fields)
        for name, value in values.items():
            assert name in fields or name in form.checkboxes, f"no field {name!r} on {self.page.url}"
            fields[name] = value
        name, value = form.buttons[button]
        if name:
            fields[name] = value
        address = urljoin(self.page.url, form.action or self.page.url)
        if form.method == "get":
            return self._take(self.session.get(address, params=fields, timeout=20))
        origin = "/".join(self.page.url.split("/")[:3])
        headers = {"Origin": origin, "Referer": self.page.url}
        return self._take(self.session.post(address, data=fields, headers=headers, timeout=20))

    def _take(self, response: requests.Response) -> Page:
        html = response.text if "html" in response.headers.get("Content-Type", "") else ""
        self.page = (
            read_page(response.url, response.status_code, response.text, response)
            if html
            else Page(response.url, response.status_code, response.text, [], [], "", {}, response)
        )
        return self.page


def read_forms(html: str) -> list[Form]:
    """The forms in a page's HTML."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def read_links(html: str) -> list[str]:
    """Where the links of a page lead."""
    reader = _Reader()
    reader.feed(html)
    return [address for _, address in reader.links]
