"""The training portal as a small Flask application on the kit. Bookings live in a SQLite file of its own."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue

from examples.look import look
from examples.news import serve_news
from idp.relying_party import DEFAULT_SCOPE, Site

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Training:
    """A training with its date."""

    key: str
    title: str
    date: str
    place: str
    length: str


TRAININGS = (
    Training("basics", "Getting started with your analyser", "2027-01-18", "Online", "2 hours"),
    Training("calibration", "Calibration in practice", "2027-02-03", "Lyon", "1 day"),
    Training("service", "Maintenance and service intervals", "2027-02-17", "Munich", "2 days"),
    Training("methods", "Writing your own methods", "2027-03-09", "Online", "3 hours"),
)


def create_app(clock: Callable[[], float] = time.time) -> Flask:
    """The site; its connection comes from `IDP_ISSUER`, `CLIENT_ID`, `CLIENT_SECRET`, `SITE_KEY`, `SITE_URL`.

    `clock` gives seconds since the epoch; tests move it.
    """
    data = Path(os.environ.get("SITE_DATA", str(HERE / "instance")))
    app = Flask(__name__, instance_path=str(data))
    app.config["MAX_CONTENT_LENGTH"] = 65536
    site = Site(
        app,
        issuer=os.environ["IDP_ISSUER"],
        client_id=os.environ.get("CLIENT_ID", "training-portal"),
        client_secret=os.environ["CLIENT_SECRET"],
        secret_key=os.environ["SITE_KEY"],
        base_url=os.environ["SITE_URL"],
        scope=f"{DEFAULT_SCOPE} interests",
        clock=clock,
    )
    bookings = Bookings(data / "bookings.sqlite3")
    app.register_blueprint(look)
    app.context_processor(
        lambda: {
            "name": "Training portal",
            "library": os.environ.get("OTHER_SITE_URL", ""),
            "issuer": site.provider.issuer,
        }
    )

    @app.get("/")
    def dates() -> str:
        """The public part: all trainings."""
        return render_template("dates.html", trainings=TRAININGS)

    @app.get("/bookings")
    @site.signed_in_required
    def mine() -> str:
        """What the customer booked."""
        customer = site.customer
        booked = bookings.of(customer.subject) if customer else {}
        return render_template("bookings.html", trainings=TRAININGS, booked=booked)

    @app.post("/bookings")
    @site.approved_required
    def book() -> ResponseReturnValue:
        """Book a place; booking twice is the same as once."""
        customer = site.customer
        key = request.form.get("training", "")
        if customer and any(t.key == key for t in TRAININGS):
            bookings.add(customer.subject, key, request.form.get("note", "")[:500])
        return redirect("/bookings", 303)

    serve_news(app, "Training portal", os.environ["SITE_URL"], HERE / "news.json")

    @app.get("/healthz")
    def health() -> str:
        """Whether the site runs."""
        return "ok"

    return app


class Bookings:
    """Who booked what."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._run(
            "CREATE TABLE IF NOT EXISTS bookings (subject TEXT, training TEXT, note TEXT, PRIMARY KEY (subject, training))"
        )

    def add(self, subject: str, training: str, note: str) -> None:
        """Book, or change the note."""
        self._run("INSERT OR REPLACE INTO bookings VALUES (?, ?, ?)", subject, training, note)

    def of(self, subject: str) -> dict[str, str]:
        """A customer's trainings with their notes."""
        return dict(self._run("SELECT training, note FROM bookings WHERE subject = ?", subject))

    def _run(self, sql: str, *values: str) -> list[tuple[str, str]]:
        connection = sqlite3.connect(self._path, timeout=5)
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()
