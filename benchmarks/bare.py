"""A Flask view that does nothing: what the framework alone costs on the same server software."""

from __future__ import annotations

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/bare")
def bare() -> Response:
    """Two fields."""
    return jsonify(hello="world", n=42)
