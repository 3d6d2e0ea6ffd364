"""The shapes of withdrawals and payouts, as the OpenAPI document shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from springtide.web.models import Money, Name


class WithdrawalIn(BaseModel):
    """Money of a wallet, to be sent to its owner."""

    model_config = ConfigDict(extra="forbid")

    id: Name | None = Field(
        default=None,
        description="Yours; else the header Idempotency-Key is taken, or one is made up.",
    )
    member: Name
    amount: Annotated[
        str, Field(pattern=r"^[0-9]+(\.[0-9]{1,2})?$", examples=["20.00"], description="money")
    ]


WithdrawalState = Literal[
    "requested", "under_review", "approved", "sent", "awaiting_member", "unknown", "settled",
    "rejected", "cancelled", "failed", "returned",
]  # fmt: skip


class Withdrawal(BaseModel):
    """A withdrawal: what left the wallet, what of it is sent, and how far it came."""

    object: Literal["withdrawal"] = "withdrawal"
    id: str
    seq: int
    member: str
    state: WithdrawalState
    amount: Money
    fee: Money
    net: Money
    approvals: int = Field(description="how many different people must approve it")
    approved_by: list[str]
    asked_by: str
    day: str = Field(description="of UTC; its limit counts for it")
    reference: str | None = Field(description="under which it was sent")


class WithdrawalStep(BaseModel):
    """A step of a withdrawal, and whose it was."""

    number: int
    at: str
    actor: str
    before: WithdrawalState
    after: WithdrawalState
    why: str


class WithdrawalHistory(Withdrawal):
    """A withdrawal, and the steps it took since it was asked for."""

    steps: list[WithdrawalStep]


class Decision(BaseModel):
    """Why somebody decides."""

    why: Annotated[str, Field(max_length=255)] = ""


class ResolutionIn(Decision):
    """What became of a withdrawal, as the bank said when it was asked."""

    state: Literal["settled", "failed", "returned"]


class PayoutBatchIn(BaseModel):
    """A batch of payouts to be sent."""

    batch: Annotated[str, Field(pattern="^[A-Za-z0-9]{1,18}$")] | None = Field(
        default=None, description="Yours; asked for again it gives the same payouts."
    )
    sandbox: StrictBool = Field(
        default=False, description="Pay nobody, and say at once what became of each."
    )


class Payout(BaseModel):
    """Money that is to reach a member; pay each reference once."""

    reference: str
    member: str
    amount: Money


class PayoutBatch(BaseModel):
    """Withdrawals that were marked as sent, to be paid now."""

    object: Literal["payout_batch"] = "payout_batch"
    batch: str
    payouts: list[Payout]


class ResultIn(BaseModel):
    """What became of a payout."""

    reference: Annotated[str, Field(max_length=255)]
    state: Literal["settled", "failed", "returned", "awaiting_member", "unknown"]
    reason: Annotated[str, Field(max_length=255)] | None = None


class ResultsIn(BaseModel):
    """What became of some payouts."""

    results: Annotated[list[ResultIn], Field(max_length=5000)]


class ImportFinding(BaseModel):
    """A result that changed nothing, by its number from 1, and why."""

    line: int
    why: str


class ImportReport(BaseModel):
    """What results did: how many brought each state, were known, or could not be used."""

    object: Literal["import_report"] = "import_report"
    changed: dict[str, int]
    repeated: int
    findings: list[ImportFinding]
