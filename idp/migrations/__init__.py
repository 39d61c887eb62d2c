"""Alembic's environment and revisions; data of the package, run through `idp.store.schema`."""
