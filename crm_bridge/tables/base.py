"""What all tables share: one metadata with names for every key and index, so that migrations can name them too."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Widths: an id of ours or of the site, an extension, the name of somebody.
ID, EXTENSION, NAME, TEXT = 64, 16, 120, 500


def word(name: str, width: int = ID) -> Column[str]:
    """A text that is never null: '' where nothing is known."""
    return Column(name, String(width), nullable=False, server_default="")
