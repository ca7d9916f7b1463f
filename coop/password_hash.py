"""Passwords as argon2id hashes: made, compared, and what is too easily guessed refused."""

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from coop.errors import Invalid

MIN_LENGTH = 8
MOST_COMMON = frozenset(
    {
        "password",
        "passw0rd",
        "password1",
        "password12",
        "password123",
        "12345678",
        "123456789",
        "1234567890",
        "11111111",
        "00000000",
        "88888888",
        "87654321",
        "12341234",
        "11223344",
        "qwertyui",
        "qwerty123",
        "qwertyuiop",
        "1qaz2wsx",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "asdfghjk",
        "asdfasdf",
        "zaq12wsx",
        "abcd1234",
        "abc12345",
        "a1234567",
        "aa123456",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "welcome1",
        "letmein1",
        "admin123",
        "administrator",
        "changeme",
        "sakura12",
        "doraemon",
        "pokemon1",
        "nintendo",
        "moyaimoyai",
    }
)
"""The commonest of at least eight characters, in lists of leaked passwords and in Japan."""


class PasswordTooShort(Invalid):
    """A password must have a minimum length."""

    code = "coop.password_too_short"


class PasswordTooCommon(Invalid):
    """A password is one of the commonest, or says no more than the person's own name or address."""

    code = "coop.password_too_common"


def hash_password(password: str, known: Iterable[str] = ()) -> str:
    """The argon2id hash; `known` is what anybody knows of the person.

    Raises `PasswordTooShort`, `PasswordTooCommon`.
    """
    if len(password) < MIN_LENGTH:
        raise PasswordTooShort(minimum=MIN_LENGTH)
    said = password.casefold()
    guesses = {part for each in known for part in (each.casefold(), each.casefold().partition("@")[0]) if part}
    if said in MOST_COMMON or said in guesses or len(set(said)) <= 2:
        raise PasswordTooCommon()
    return _hasher().hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash it never is, and takes as long to say."""
    try:
        return _hasher().verify(password_hash or _hash_of_nobody(), password) and password_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_dated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


def rehash(password: str) -> str:
    """The hash of a password that was accepted before, whatever it is like."""
    return _hasher().hash(password)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_hex(16))
