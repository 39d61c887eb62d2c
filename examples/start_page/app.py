"""The demo's start page, one page without scripts."""

from __future__ import annotations

import os
from dataclasses import dataclass

from flask import Flask, render_template

from examples.look import look


@dataclass(frozen=True, slots=True)
class Person:
    """A ready-made account of the demo."""

    user_name: str
    name: str
    state: str
    sees: str


PEOPLE = (
    Person("anna", "Anna Approved", "approved", "The approved part of the library, and the training portal."),
    Person("willi", "Willi Waiting", "waiting for review", "The status page; the portal; the library explains."),
    Person("rosa", "Rosa Rejected", "rejected", "The reason, and how to answer."),
    Person("simon", "Simon Suspended", "suspended", "Why, and whom to ask."),
)


def create_app() -> Flask:
    """The page; its addresses come from the environment, set by `idp demo`."""
    app = Flask(__name__)
    app.register_blueprint(look)

    @app.get("/")
    def start() -> str:
        """Everything there is to try."""
        return render_template(
            "start.html",
            provider=os.environ["IDP_ISSUER"],
            library=os.environ["LIBRARY_URL"],
            portal=os.environ["PORTAL_URL"],
            password=os.environ["DEMO_PASSWORD"],
            people=PEOPLE,
        )

    @app.get("/healthz")
    def health() -> str:
        """Whether the page is there."""
        return "ok"

    return app
