"""Who may use the console: a YAML file of names, roles and hashes of tokens, kept by `gridwatch users`."""

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ConfigFault, RunFault, UsageFault


class Role(IntEnum):
    """What a person may do; each may what those below may."""

    VIEWER = 1  # see
    OPERATOR = 2  # work on incidents, suppress
    ADMIN = 3  # see the audit log, too

    @property
    def word(self) -> str:
        """As it is typed."""
        return self.name.lower()


@dataclass(frozen=True)
class Person:
    """Who asks."""

    name: str
    role: Role

    def may(self, least: Role) -> bool:
        """Whether a role suffices."""
        return self.role >= least


Name = Annotated[str, Field(pattern=r"^[\w][\w.@ -]{0,63}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    role: Annotated[str, Field(pattern="^(viewer|operator|admin)$")]
    token_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


#: Random bytes of a token: so many that its plain hash cannot be guessed back.
TOKEN_BYTES: Final = 32


@dataclass(frozen=True)
class Users:
    """The users of a file, by the hash of their token."""

    by_hash: Mapping[str, Person]

    def of_token(self, token: str) -> Person | None:
        """Whose token it is."""
        found = None
        wanted = _hash(token)
        for known, person in self.by_hash.items():
            if hmac.compare_digest(known, wanted):
                found = person
        return found

    def named(self, name: str) -> Person | None:
        """The user of a name, as the file has it now."""
        return next((person for person in self.by_hash.values() if person.name == name), None)

    def fingerprint(self, name: str) -> str:
        """The token of a user as a short text, from which nobody gets it back; "" for nobody."""
        return next((known[:16] for known, person in self.by_hash.items() if person.name == name), "")


def load(path: Path) -> Users:
    """The users of a file; none where there is no file.

    Raises:
        ConfigFault: it is no such file, by entry and key.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Users({})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise ConfigFault(
            f"the users cannot be read: {wrong}", str(path), "gridwatch users add makes the file"
        ) from wrong
    found: dict[str, Person] = {}
    for number, entry in enumerate(entries or [], 1):
        try:
            one = _Entry.model_validate(entry)
        except ValidationError as wrong:
            problem = wrong.errors()[0]
            key = ".".join(map(str, problem["loc"]))
            raise ConfigFault(
                f"entry {number}: {key}: {problem['msg']}", str(path), "gridwatch users add makes entries"
            ) from wrong
        if any(person.name == one.name for person in found.values()):
            raise ConfigFault(f"two entries are called {one.name}", str(path), "remove one")
        found[one.token_sha256] = Person(one.name, Role[one.role.upper()])
    return Users(found)


def add(path: Path, name: str, role: Role) -> str:
    """Add a user, or give one a new token and role. Returns the token: it is kept nowhere.

    Raises:
        ConfigFault: as `load`.
        UsageFault: the name is none.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        _Entry(name=name, role=role.word, token_sha256=_hash(token))
    except ValidationError as wrong:
        raise UsageFault(f"{name!r} is no name", "NAME", "letters, digits, . @ - _ and spaces, 64 at most") from wrong
    others = {h: person for h, person in load(path).by_hash.items() if person.name != name}
    _write(path, {**others, _hash(token): Person(name, role)})
    return token


def remove(path: Path, name: str) -> None:
    """Take a user away.

    Raises:
        ConfigFault: as `load`.
        RunFault: there is none of the name.
    """
    users = load(path)
    if users.named(name) is None:
        raise RunFault(f"no user {name}", str(path), "gridwatch users list shows them")
    _write(path, {h: person for h, person in users.by_hash.items() if person.name != name})


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _write(path: Path, by_hash: Mapping[str, Person]) -> None:
    entries: list[dict[str, Any]] = [
        {"name": person.name, "role": person.role.word, "token_sha256": h} for h, person in by_hash.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(entries, file, sort_keys=False, allow_unicode=True)
    draft.replace(path)
