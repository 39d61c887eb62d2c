"""The words by which people are found, forgiving case, accents, other scripts and up to two wrong letters.

The same tables and answers on SQLite and PostgreSQL. Triggers note whose name, company or address changed; their words
are read again before the next search, in batches. Near spellings are found by symmetric deletion (W. Garbe's SymSpell):
two words that differ in two letters have a common rest when two letters are left out of each; the distance is then
measured (optimal string alignment).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from anyascii import anyascii
from rapidfuzz.distance import OSA

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Database, Row, Transaction

MOST_WORDS = 5
"""So many words of a search count."""

_LONGEST = 64
_BEGINNING = 7
_MOST_NEAR = 6
_MOST_HOLDING = 50
_MOST_BEGUN = 2000
_MOST_COUNTED = 20_000
_VERY_OFTEN = 2**31
_MOST_COMPARED = 1000
_SHORTEST_INSIDE = 3
_POSTGRESQL_LOCK = Statement("SELECT pg_advisory_xact_lock(7246015)")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
_WORD = re.compile("[a-z0-9]+")

_IS_STALE = Statement("SELECT 1 AS found FROM search_stale LIMIT 1")
_TAKE = (
    "DELETE FROM search_stale WHERE owner IN (SELECT owner FROM search_stale ORDER BY owner LIMIT :limit{})"
    " RETURNING owner, kind"
)
_TAKE_HERE, _TAKE_BESIDE = Statement(_TAKE.replace("{}", "")), Statement(_TAKE.replace("{}", " FOR UPDATE SKIP LOCKED"))
_TEXTS = Statement(
    "SELECT account_id AS owner, given_name, family_name, email, user_name, company FROM accounts"
    " WHERE account_id IN {texts(owners)}"
    " UNION ALL SELECT registration_id, given_name, family_name, email, COALESCE(user_name, ''), company FROM registrations"
    " WHERE purged_at IS NULL AND registration_id IN {texts(owners)}"
)
_ADD_WORDS = Statement(
    "INSERT INTO search_words (word) SELECT value FROM {texts(words)} AS new WHERE 1 = 1"
    " ON CONFLICT (word) DO NOTHING RETURNING word_id, word"
)
_FIND_WORDS = Statement("SELECT word_id, word FROM search_words WHERE word IN {texts(words)}")
_ADD_PARTS = Statement("INSERT INTO search_parts (word_id, part) SELECT number, text FROM {pairs(pairs)} AS new")
_ADD_POSTINGS = Statement("INSERT INTO search_postings (word_id, owner) SELECT number, text FROM {pairs(pairs)} AS new")
_DROP_POSTINGS = Statement("DELETE FROM search_postings WHERE owner IN {texts(owners)} RETURNING word_id")
_UNUSED = " WHERE word_id {among(words)} AND NOT EXISTS (SELECT 1 FROM search_postings p WHERE p.word_id = %s.word_id)"
_DROP_PARTS = Statement("DELETE FROM search_parts" + _UNUSED.replace("%s", "search_parts"))
_DROP_WORDS = Statement("DELETE FROM search_words" + _UNUSED.replace("%s", "search_words"))

_BEGINS = Statement(
    "SELECT word_id FROM search_words WHERE word >= :begins AND word < :ends ORDER BY word LIMIT :limit"
)
_HOLDS = Statement("SELECT word_id, word FROM search_words WHERE word LIKE :pattern ORDER BY word LIMIT :limit")
_COUNT = Statement(
    "SELECT COUNT(*) AS count FROM (SELECT 1 FROM search_postings WHERE word_id {among(words)} LIMIT :limit) AS found"
)
_WITH_PARTS = Statement("SELECT DISTINCT word_id FROM search_parts WHERE part IN {texts(parts)}")
_SPELL = Statement("SELECT word_id, word FROM search_words WHERE word_id {among(words)}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a search, the numbers of the words that count for it, and how often these occur, if that was counted out.

    They begin with it, else hold it, else are written alike: `near` has those then, the nearest first.
    """

    word: str
    numbers: tuple[int, ...]
    count: int
    near: tuple[str, ...] = ()
    is_known: bool = True


def fold(text: str) -> list[str]:
    """The words of a text: Latin letters without accents, and digits; other scripts are transliterated."""
    return [word[:_LONGEST] for word in _WORD.findall(anyascii(text).lower())]


def words_of(*texts: str) -> set[str]:
    """The words under which texts are found; German umlauts in both spellings."""
    return {word for text in texts for spelling in (text, text.translate(_GERMAN)) for word in fold(spelling)}


def tokens_of(tx: Transaction, text: str) -> list[Token]:
    """The words of a search, each with what is written alike.

    Of each it is counted how often it occurs, up to the rarest one before it: no more is asked than which is the rarest.
    """
    tokens: list[Token] = []
    for word in dict.fromkeys(fold(text)[:MOST_WORDS]):
        tokens.append(_token(tx, word, _rarest(tokens)))
    return tokens


def exact_tokens_of(tx: Transaction, text: str) -> list[Token]:
    """The words of a text, each as it is written and nothing else; counted as `tokens_of` does."""
    tokens: list[Token] = []
    for word in dict.fromkeys(fold(text)[:MOST_WORDS]):
        numbers = tuple(row["word_id"] for row in tx.all(_FIND_WORDS, words=json.dumps([word])))
        tokens.append(_counted(tx, Token(word, numbers, 0), _rarest(tokens)))
    return tokens


def alike_tokens_of(tx: Transaction, text: str) -> list[Token]:
    """The words of a text, each with what is written alike."""
    tokens = []
    for word in dict.fromkeys(fold(text)[:MOST_WORDS]):
        numbers = {row["word"]: row["word_id"] for row in tx.all(_FIND_WORDS, words=json.dumps([word]))}
        numbers |= _sharing_parts(tx, word)
        alike = tuple(numbers[other] for other in numbers if is_alike(word, other))
        tokens.append(_counted(tx, Token(word, alike, 0), _MOST_COMPARED))
    return tokens


def is_alike(word: str, other: str) -> bool:
    """Whether two words differ by no more letters than may be wrong in the shorter one."""
    farthest = min(_farthest(word), _farthest(other))
    return OSA.distance(word, other, score_cutoff=farthest) <= farthest


def is_stale(tx: Transaction) -> bool:
    """Whether somebody's words are to be read again."""
    return tx.one(_IS_STALE) is not None


def refresh(database: Database, *, batches: int = 1, size: int = 500) -> bool:
    """Read the words of up to so many batches of changed people again; out: whether all are read."""
    for _ in range(batches):
        with database.transaction(durable=False) as tx:
            if not tx.is_sqlite:
                tx.run(_POSTGRESQL_LOCK)
            taken = tx.all(_TAKE_HERE if tx.is_sqlite else _TAKE_BESIDE, limit=size)
            _read_again(tx, [row["owner"] for row in taken])
        if len(taken) < size:
            return True
    return False


def _read_again(tx: Transaction, owners: list[str]) -> None:
    if not owners:
        return
    words = {row["owner"]: _words_of_row(row) for row in tx.all(_TEXTS, owners=json.dumps(owners))}
    ids = _number(tx, sorted(set().union(*words.values())))
    dropped = {row["word_id"] for row in tx.all(_DROP_POSTINGS, owners=json.dumps(owners))}
    tx.run(_ADD_POSTINGS, pairs=json.dumps([(ids[word], owner) for owner in words for word in sorted(words[owner])]))
    if unused := sorted(dropped - set(ids.values())):
        gone = json.dumps(unused)
        tx.run(_DROP_PARTS, words=gone)
        tx.run(_DROP_WORDS, words=gone)


def _words_of_row(row: Row) -> set[str]:
    return words_of(*(row[name] for name in ("given_name", "family_name", "email", "user_name", "company")))


def _number(tx: Transaction, words: list[str]) -> dict[str, int]:
    """The numbers of words; new ones are added with their parts."""
    listed = json.dumps(words)
    added = tx.all(_ADD_WORDS, words=listed)
    tx.run(_ADD_PARTS, pairs=json.dumps([(row["word_id"], part) for row in added for part in _parts(row["word"])]))
    return {row["word"]: row["word_id"] for row in tx.all(_FIND_WORDS, words=listed)}


def _token(tx: Transaction, word: str, limit: int) -> Token:
    rows = tx.all(_BEGINS, begins=word, ends=_end_of(word), limit=_MOST_BEGUN)
    if not rows and len(word) >= _SHORTEST_INSIDE:
        rows = tx.all(_HOLDS, pattern=f"%{word}%", limit=_MOST_HOLDING)
    if rows:
        return _counted(tx, Token(word, tuple(row["word_id"] for row in rows), 0), limit)
    numbers = _sharing_parts(tx, word)
    near = _nearest(word, numbers)
    return _counted(tx, Token(word, tuple(numbers[other] for other in near), 0, near, is_known=False), limit)


def _rarest(tokens: Iterable[Token]) -> int:
    """So far the next word is counted: beyond the rarest of these it is not the rarest."""
    return min([_MOST_COUNTED, *(token.count + 1 for token in tokens)])


def _sharing_parts(tx: Transaction, word: str) -> dict[str, int]:
    """The words that may be written like this one, with their numbers; two steps, so that no planner reads all words."""
    parts = _parts(word)
    if not parts:
        return {}
    found = [row["word_id"] for row in tx.all(_WITH_PARTS, parts=json.dumps(sorted(parts)))]
    return {row["word"]: row["word_id"] for row in tx.all(_SPELL, words=json.dumps(found))}


def _counted(tx: Transaction, token: Token, limit: int) -> Token:
    row = tx.one(_COUNT, words=json.dumps(token.numbers), limit=limit)
    count = int(row["count"]) if row else 0
    return replace(token, count=count if count < limit else _VERY_OFTEN)


def _nearest(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    farthest = _farthest(word)
    alike = (other for other in candidates if abs(len(other) - len(word)) <= 1)
    measured = sorted((OSA.distance(word, other, score_cutoff=farthest), other) for other in alike)
    return tuple(other for distance, other in measured if 0 < distance <= farthest)[:_MOST_NEAR]


def _end_of(word: str) -> str:
    """The first text behind all words that begin with this one; a single letter stands for itself."""
    return word + ("\x7f" if len(word) > 1 else "\x01")


def _farthest(word: str) -> int:
    """How many letters may be wrong."""
    return 0 if len(word) < 3 else 1 if len(word) < 5 else 2


@lru_cache(maxsize=4096)
def _parts(word: str) -> frozenset[str]:
    """What is left of the beginning of a word without up to two of its letters; nothing of a very short word."""
    beginning = word[:_BEGINNING]
    return frozenset(
        "".join(letter for place, letter in enumerate(beginning) if place not in left_out)
        for count in range(_farthest(word) + 1)
        for left_out in combinations(range(len(beginning)), count)
        if _farthest(word)
    )
