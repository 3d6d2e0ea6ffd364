"""The shapes of the API that are about people: log-ins, roles, acts."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class Act(BaseModel):
    """Something that somebody did; `before` and `after` are what it changed."""

    object: Literal["act"] = "act"
    id: int
    at: str
    actor: str
    what: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class LogIn(BaseModel):
    """What it takes to log in."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]
    totp: Annotated[
        str, Field(min_length=1, max_length=100, description="the code, or a recovery code")
    ]


class Rights(BaseModel):
    """What somebody may do in a program."""

    program: str
    roles: list[str]
    permissions: list[str]


class Me(BaseModel):
    """Who asks; of a session also what goes along with whatever changes something."""

    object: Literal["me"] = "me"
    actor: str
    programs: list[Rights]
    csrf: str | None
    expires_at: str | None


class EnrolmentIn(BaseModel):
    """An invitation, and the password that is wanted."""

    invitation: Annotated[str, Field(min_length=1, max_length=100, pattern="^[ -~]+$")]
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class Enrolment(BaseModel):
    """What an authenticator app reads, and codes for when it is lost; shown this once."""

    object: Literal["enrolment"] = "enrolment"
    name: str
    totp_uri: str
    recovery_codes: list[str]


class PasswordIn(BaseModel):
    """The password, a code, and the password that is wanted."""

    password: Annotated[str, Field(min_length=1, max_length=1000)]
    totp: Annotated[str, Field(min_length=1, max_length=100)]
    new: Annotated[str, Field(min_length=1, max_length=1000)]


class RolesIn(BaseModel):
    """Roles in the program."""

    roles: Annotated[list[str], Field(min_length=1, max_length=20)]


class StaffIn(RolesIn):
    """Somebody to be invited."""

    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._@-]{1,62}$", examples=["ana"])]


class Staff(BaseModel):
    """Somebody of the staff, with their roles in the program."""

    object: Literal["staff"] = "staff"
    name: str
    state: str = Field(pattern="^(invited|active|disabled)$")
    roles: list[str]
    created_at: str


class InvitedStaff(Staff):
    """Somebody with their invitation, which is shown this once."""

    invitation: str
