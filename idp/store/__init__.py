"""What we remember: models and queries, the only SQL.

Owns the database: `database` (engines, transactions), `models/` (tables, for migrations and pages), and one module of
functions for each thing remembered. Every function takes a `Transaction` first; who calls it decides where a transaction
begins and ends. Does not decide anything: a conditional update says whether it won, the caller says what that means.

Queries of protocol steps are `Statement`s, run on the driver's connection without the ORM; pages may use `tx.orm`.
Instants are whole seconds since the epoch; secrets are kept as SHA-256, which is the primary key.
"""
