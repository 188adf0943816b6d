"""Run by Alembic, never imported by us. `migrating.migrate` hands over an open connection, whose
transaction it owns; without one (`--sql`) the statements are printed for the dialect in
``attributes["dialect"]``."""

from __future__ import annotations

from alembic import context

from crm_bridge.models import metadata

_attributes = context.config.attributes

if context.is_offline_mode():
    context.configure(
        dialect_name=_attributes.get("dialect", "postgresql"), target_metadata=metadata, literal_binds=True
    )
else:
    # SQLite cannot alter most things in place: later revisions need batch mode there.
    context.configure(connection=_attributes["connection"], target_metadata=metadata, render_as_batch=True)

with context.begin_transaction():
    context.run_migrations()
