"""Implementations of the stores in `ocs.ports`.

Owns how records are kept: `memory` (reference and test oracle), `sql` (SQLite through tables defined once in
SQLAlchemy Core), `migrations` (the schema's history). Does not own what the records mean.
"""
