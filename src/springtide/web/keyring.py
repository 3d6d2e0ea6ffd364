"""The keys of a program, over HTTP: nobody may give more than they have."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Body

from springtide.services import keys
from springtide.services.gateway import UnknownKey, UnusableKey
from springtide.services.keys import ApiKey
from springtide.services.permissions import SECOND_EYES
from springtide.web import models
from springtide.web.depends import PROBLEMS, Books, Id, KeyKeeper, missing, plain
from springtide.web.models import Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _key(row: ApiKey) -> models.Key:
    return models.Key(
        id=row.id,
        mode=row.mode,
        scopes=row.scopes,
        created_at=row.created_at.isoformat(),
        revoked_at=row.revoked_at.isoformat() if row.revoked_at else None,
    )


@router.get("/api-keys")
def list_keys(key: KeyKeeper, books: Books) -> Page[models.Key]:
    """The program's keys, without their secrets."""
    return Page(data=[_key(row) for row in keys.list_keys(books, key.program)], next=None)


@router.post("/api-keys", status_code=201)
def create_key(
    key: KeyKeeper, books: Books, wish: Annotated[models.KeyIn, Body()]
) -> models.NewKey:
    """Create a key of the same program; its secret is shown this once."""
    lacking = sorted(set(wish.scopes) - key.permissions)
    if lacking:
        raise Problem("forbidden", f"you lack {', '.join(lacking)} and cannot give it")
    second = sorted(set(wish.scopes) & SECOND_EYES)
    if second:
        raise Problem(
            "forbidden",
            f"{', '.join(second)} is for second eyes; only `springtide key create` gives it",
        )
    try:
        secret, made = keys.create_key(
            books, key.program, wish.scopes, wish.mode, secrets.token_hex, key.actor
        )
    except UnusableKey as error:
        raise Problem("invalid_parameter", str(error)) from None
    return models.NewKey(secret=secret, **_key(made).model_dump())


@router.delete("/api-keys/{id}", status_code=204)
def revoke_key(key: KeyKeeper, books: Books, id_: Id) -> None:
    """Revoke a key; within five seconds it opens nothing any more."""
    try:
        keys.revoke_key(books, key.program, plain(id_), key.actor)
    except UnknownKey:
        raise missing("key", id_) from None
