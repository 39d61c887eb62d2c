"""Tables of the search for people: words, near spellings of words, who has which word, and who is to be read again."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import Base, Identifier, Serial, Word

# Compared byte by byte on PostgreSQL as well, so that the index serves "begins with".
PLAIN = String(64, collation="C").with_variant(String(64), "sqlite")


class SearchWord(Base):
    """A word of a name, company, e-mail address or user name: small letters without accents, and digits."""

    __tablename__ = "search_words"

    word_id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    word: Mapped[str] = mapped_column(PLAIN, unique=True)


class SearchPart(Base):
    """What is left of a word's beginning without up to two letters: words that share a part are written alike."""

    __tablename__ = "search_parts"

    part: Mapped[str] = mapped_column(PLAIN, primary_key=True)
    word_id: Mapped[int] = mapped_column(Serial, ForeignKey("search_words.word_id"), primary_key=True, index=True)


class SearchPosting(Base):
    """An account or a registration has this word."""

    __tablename__ = "search_postings"

    word_id: Mapped[int] = mapped_column(Serial, ForeignKey("search_words.word_id"), primary_key=True)
    owner: Mapped[Identifier] = mapped_column(primary_key=True, index=True)


class SearchStale(Base):
    """An account or registration whose words are to be read again; triggers of those tables write it."""

    __tablename__ = "search_stale"

    owner: Mapped[Identifier] = mapped_column(primary_key=True)
    kind: Mapped[Word]
