"""`idp reasons`: the texts that staff choose as the reason of a decision, in every language that customers read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.reason_texts import (
    LONGEST_TITLE,
    correct_reason_text,
    get_reason_text,
    list_reason_texts,
    remove_reason_text,
    save_reason_text,
)
from idp.cli.common import Refused, json_option, open_provider, operator, print_json, print_table, stamp, with_settings
from idp.config import LANGUAGES
from idp.errors import Refusal

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.store.reason_texts import ReasonText

_WHY_NOT = {
    "text_unknown": "there is no such text; see: idp reasons list",
    "title_missing": "--title: say something, so that colleagues find the text",
    "title_too_long": f"--title must not have more than {LONGEST_TITLE} characters",
    "text_missing": "write the text in one language at least: " + ", ".join(f"--{code}" for code in LANGUAGES),
    "reason_too_long": f"a text must not have more than {LONGEST_REASON} characters",
}


@click.group("reasons")
def command() -> None:
    """Texts that staff choose as the reason of a decision."""


@command.command("list")
@json_option
@with_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """List the texts by title, and the languages that each was written in."""
    found = list_reason_texts(open_provider(settings))
    if as_json:
        print_json([asdict(text) for text in found])
        return
    rows = [(text.text_key, text.title, " ".join(sorted(text.texts)), stamp(text.updated_at)) for text in found]
    print_table(("key", "title", "languages", "changed"), rows)


@command.command("show")
@click.argument("key")
@json_option
@with_settings
def show_command(settings: Settings, key: str, as_json: bool) -> None:
    """Show the text with this KEY in all its languages."""
    try:
        found = get_reason_text(open_provider(settings), key)
    except Refusal as refusal:
        raise _refused(refusal) from None
    _tell(found, as_json)


def _words(function: Callable[..., None]) -> Callable[..., None]:
    """One option for each language."""
    for code in reversed(LANGUAGES):
        function = click.option(f"--{code}", help=f"The words for customers who read {code}.")(function)
    return function


@command.command("add")
@click.option("--title", required=True, help="What colleagues find it by; customers do not read it.")
@_words
@json_option
@with_settings
def add_command(settings: Settings, title: str, as_json: bool, **texts: str | None) -> None:
    """Write a new text, in one language at least."""
    provider = open_provider(settings)
    try:
        key = save_reason_text(provider, staff_id=None, title=title, texts=_given(texts), operator=operator())
    except Refusal as refusal:
        raise _refused(refusal) from None
    _tell(get_reason_text(provider, key), as_json)


@command.command("change")
@click.argument("key")
@click.option("--title", help="Another title.")
@_words
@json_option
@with_settings
def change_command(settings: Settings, key: str, title: str | None, as_json: bool, **texts: str | None) -> None:
    """Change the text with this KEY; what is not given stays, and '' takes a language away."""
    given = _given(texts)
    if title is None and not given:
        raise click.UsageError("say what changes: --title, " + ", ".join(f"--{code}" for code in LANGUAGES))
    try:
        found = correct_reason_text(
            open_provider(settings), text_key=key, title=title, texts=given, operator=operator()
        )
    except Refusal as refusal:
        raise _refused(refusal) from None
    _tell(found, as_json)


@command.command("remove")
@click.argument("key")
@with_settings
def remove_command(settings: Settings, key: str) -> None:
    """Take the text with this KEY away; decisions keep the words they were made with."""
    provider = open_provider(settings)
    try:
        found = get_reason_text(provider, key)
        remove_reason_text(provider, staff_id=None, text_key=key, operator=operator())
    except Refusal as refusal:
        raise _refused(refusal) from None
    click.echo(f"{found.title}: removed; the audit trail keeps its words")


def _given(texts: dict[str, Any]) -> dict[str, str]:
    return {code: text for code, text in texts.items() if text is not None}


def _refused(refusal: Refusal) -> Refused:
    return Refused(_WHY_NOT.get(refusal.key, refusal.key))


def _tell(text: ReasonText, as_json: bool) -> None:
    if as_json:
        print_json(asdict(text))
        return
    click.echo(f"{text.title} ({text.text_key})")
    for code in LANGUAGES:
        if code in text.texts:
            click.echo(f"\n[{code}]\n{text.texts[code]}")
