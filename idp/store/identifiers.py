"""How names are compared: the canonical keys that the unique constraints of accounts hold.

Only ASCII letters are folded, so that look-alikes of other scripts never equal an ASCII name (CVE-2019-19844). Both
functions take any text and never raise: what was typed into a sign-in form may be anything.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase

from email_validator import EmailNotValidError, validate_email

_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
# What no database keeps (NUL, halves of surrogates), and the signs of other alphabets that normalising makes ASCII.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff\u037e\u1fef\u212a]")
LONGEST = 254


def email_key(text: str) -> str:
    """The key of an e-mail address: domain as A-labels, ASCII letters folded; other text is folded as it is."""
    typed = text.strip()[: LONGEST + 1]
    if not typed.rpartition("@")[0].isascii():  # the library would normalise the Kelvin sign to a K
        return _fold(typed)
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except (EmailNotValidError, ValueError):
        return _fold(typed)
    return f"{found.local_part}@{found.ascii_domain}".translate(_FOLD)


def user_name_key(text: str) -> str:
    """The key of a user name: ASCII letters folded, blanks around it dropped."""
    return _fold(text.strip()[: LONGEST + 1])


def _fold(typed: str) -> str:
    """What cannot be part of a name becomes a mark that no name contains."""
    return unicodedata.normalize("NFC", _UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", typed)).translate(_FOLD)
