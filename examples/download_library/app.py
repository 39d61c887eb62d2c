"""The download library as a small Flask application on the kit."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, abort, render_template, request

from examples.look import look
from examples.news import serve_news
from idp.relying_party import Site

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Document:
    """An entry of the library; `exclusive` ones are for approved customers."""

    key: str
    title: str
    product: str
    kind: str
    language: str
    updated: str
    size: str
    exclusive: bool


DOCUMENTS = tuple(Document(**entry) for entry in json.loads((HERE / "documents.json").read_text(encoding="utf-8")))
SORTINGS = {"title": "Title", "product": "Product", "updated": "Newest first"}


def create_app(clock: Callable[[], float] = time.time) -> Flask:
    """The site; its connection comes from `IDP_ISSUER`, `CLIENT_ID`, `CLIENT_SECRET`, `SITE_KEY`, `SITE_URL`.

    `clock` gives seconds since the epoch; tests move it.
    """
    app = Flask(__name__, instance_path=os.environ.get("SITE_DATA", str(HERE / "instance")))
    site = Site(
        app,
        issuer=os.environ["IDP_ISSUER"],
        client_id=os.environ.get("CLIENT_ID", "download-library"),
        client_secret=os.environ["CLIENT_SECRET"],
        secret_key=os.environ["SITE_KEY"],
        base_url=os.environ["SITE_URL"],
        clock=clock,
    )
    app.register_blueprint(look)
    app.context_processor(
        lambda: {
            "name": "Download library",
            "portal": os.environ.get("OTHER_SITE_URL", ""),
            "issuer": site.provider.issuer,
        }
    )

    @app.get("/")
    def catalogue() -> str:
        """The public part: what there is, with search and sorting kept in the address."""
        words = request.args.get("q", "").strip()[:80]
        sorting = request.args.get("sort", "title")
        found = search(words, sorting if sorting in SORTINGS else "title")
        return render_template("catalogue.html", documents=found, words=words, sorting=sorting, sortings=SORTINGS)

    @app.get("/exclusive")
    @site.approved_required
    def exclusive() -> str:
        """The exclusive part."""
        return render_template("exclusive.html", documents=[d for d in DOCUMENTS if d.exclusive])

    @app.get("/exclusive/<key>")
    @site.approved_required
    def download(key: str) -> Response:
        """One exclusive file."""
        return send(key, exclusive=True)

    @app.get("/open/<key>")
    def download_open(key: str) -> Response:
        """One file that is open to all."""
        return send(key, exclusive=False)

    serve_news(app, "Download library", os.environ["SITE_URL"], HERE / "news.json")

    @app.get("/healthz")
    def health() -> str:
        """Whether the site runs."""
        return "ok"

    return app


def search(words: str, sorting: str) -> list[Document]:
    """The documents that contain all words, sorted."""
    wanted = words.casefold().split()
    found = [d for d in DOCUMENTS if all(w in f"{d.title} {d.product} {d.kind}".casefold() for w in wanted)]
    return sorted(found, key=lambda d: (getattr(d, sorting), d.title), reverse=sorting == "updated")


def send(key: str, *, exclusive: bool) -> Response:
    """The file of a document (in this example a text that names it); 404 for what is not in that part."""
    document = next((d for d in DOCUMENTS if d.key == key and d.exclusive == exclusive), None)
    if document is None:
        abort(404)
    body = f"{document.title}\n{document.product}, {document.kind}, {document.updated}\n"
    headers = {"Content-Disposition": f'attachment; filename="{document.key}.txt"'}
    return Response(body, mimetype="text/plain", headers=headers)
