"""`idp keys rotate-master`: another master key, while the provider runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from idp.accounts import master_key
from idp.accounts.master_key import Step
from idp.cli.common import Refused, open_provider, with_settings
from idp.errors import Refusal
from idp.keys.master import VARIABLE

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.provider import Provider

_WORDS = {
    "in_environment": (
        f"the master key comes from {VARIABLE}, which this command cannot change. Set it to two keys and start every instance"
        " again after each step: 1. OLD NEW  2. NEW OLD  3. idp keys rotate-master --step finish  4. NEW."
        " A new key: openssl rand -hex 32"
    ),
    "not_now": "this is not the step that is due; do this one: idp keys rotate-master --step {due}",
    "still_used": (
        "some instance still seals with the old key: give it the new file, wait a second, and call this again; nothing is lost"
    ),
}


@click.command("rotate-master")
@click.option(
    "--step",
    type=click.Choice([step.value for step in Step]),
    help="Only this step: with instances on several machines, copy the file of the key to all of them after each.",
)
@with_settings
def command(settings: Settings, step: str | None) -> None:
    """Change the master key: add the next one, let it seal, seal everything anew and drop the old one.

    Running servers on this machine notice it by themselves. Interrupted, it goes on where it was when called again.
    Subjects, status links and short codes stay as they are. Keep copies of the old key only as long as backups need it.
    """
    provider = open_provider(settings)
    try:
        if step:
            _take(provider, Step(step))
            return
        while True:
            due = master_key.next_step(provider)
            _take(provider, due)
            if due is Step.FINISH:
                return
    except Refusal as refusal:
        raise Refused(_WORDS[refusal.key].format(**refusal.details)) from None


def _take(provider: Provider, step: Step) -> None:
    time.sleep(master_key.seconds_until_noticed(provider))
    if step is Step.ADD:
        master_key.add_key(provider)
        click.echo("add: the next key opens, and does not seal yet")
    elif step is Step.SWITCH:
        master_key.switch_key(provider)
        click.echo("switch: the next key seals, the old one only opens")
    else:
        done = master_key.finish_change(provider)
        click.echo(f"finish: {done.changed} values are sealed anew, the old key is gone")
        if done.unreadable:
            click.echo(f"{done.unreadable} values were opened by no key, and still are not", err=True)
