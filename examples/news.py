"""What is new at a site, as a JSON Feed 1.1 (jsonfeed.org) that the provider reads for its customers' overview."""

from __future__ import annotations

import json
from pathlib import Path

from flask import Flask, Response


def serve_news(app: Flask, title: str, base_url: str, file: Path) -> None:
    """Serve `/feed.json` from a file of items whose addresses are the site's own paths."""
    items = json.loads(file.read_text(encoding="utf-8"))
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": base_url + "/",
        "items": [{**item, "url": base_url + item["url"]} for item in items],
    }

    @app.get("/feed.json")
    def news() -> Response:
        """The feed."""
        return Response(json.dumps(feed), content_type="application/feed+json")
