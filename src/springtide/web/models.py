"""The shapes of the API, as its OpenAPI document shows them."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from springtide.core.event_fields import LONGEST_ID

T = TypeVar("T")

OrderStatus = Literal["paid", "settled", "refunded"]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
Money = Annotated[
    str, Field(pattern=r"^-?[0-9]+\.[0-9]{6}$", examples=["1000.000000"], description="money")
]
Points = Annotated[
    str, Field(pattern=r"^[0-9]+\.[0-9]{9}$", examples=["112.000000000"], description="points")
]
AmountIn = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]{1,6})?$", examples=["1000.00"], description="money")
]
ReferenceIn = Annotated[
    str, Field(min_length=1, max_length=100, description="of the payment; it is noted once")
]
PointsIn = Annotated[
    str,
    Field(pattern=r"^(all|[0-9]+(\.[0-9]{1,9})?)$", examples=["10", "all"]),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: Name | None = Field(
        default=None,
        description="Yours. Sent again with the same content it gets the first receipt. "
        "Without one the header Idempotency-Key is taken, or an id is made up.",
    )


class OrderIn(_In):
    """An order: settled now, or paid into escrow until the policy's `settle_after` is over."""

    member: Name
    amount: AmountIn
    merchant: str | None = None
    region: str | None = Field(default=None, description="GB/T 2260, 2, 4 or 6 digits")
    referrer: str | None = Field(default=None, description="binds, if none is bound yet")
    wallet: AmountIn | None = Field(
        default=None, description="what of the amount is paid from the member's wallet"
    )
    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"id": "o1", "member": "m1", "merchant": "shop-1", "amount": "1000.00"}
            ]
        },
    )


class BindingIn(_In):
    """Binds a member to a referrer, unless one is bound already."""

    member: Name
    referrer: Name


class RefundIn(_In):
    """The refund of an order: plain before its settlement, by the pool's rule after."""

    order: Name
    amount: AmountIn | None = Field(default=None, description="all that is left, if absent")


class CashOutIn(_In):
    """Points for money: at the price that stands, or where it is daily, of the day's batch."""

    member: Name
    points: PointsIn
    min_net: AmountIn | None = Field(default=None, description="refused if it would pay less")


class CashOutRequest(BaseModel):
    """One member's part of a batch."""

    member: Name
    points: PointsIn
    min_net: AmountIn | None = Field(default=None, description="the least it accepts")


class CashOutBatchIn(_In):
    """Cash-outs of several members at one price; one that cannot be met refuses all."""

    requests: Annotated[list[CashOutRequest], Field(min_length=1)]


class RedemptionIn(_In):
    """Points handed to a merchant for goods, by a member or by the code that a member shows."""

    merchant: Name
    member: Name | None = Field(default=None, description="needed, unless there is a code")
    points: PointsIn | None = Field(
        default=None, description="needed, unless there is a code: then all that it is for"
    )
    code: str | None = Field(
        default=None, description="a one-time code; it brings the member, and an id of its own"
    )


class InjectionIn(_In):
    """Money given to the pool; shown as an injection, never as growth."""

    amount: AmountIn


class Receipt(BaseModel):
    """The answer to a command: what it moved, and the pool after it."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
    reserve: Money
    supply: Points
    price: Money
    exits: list[dict[str, Any]] = []
    split: int = 1


class Problem(BaseModel):
    """Why not, and what to do; RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_at: str | None = Field(default=None, description="when it may be accepted")


class Page(BaseModel, Generic[T]):
    """Some of a list; `next` is the cursor of what follows, null at the end."""

    object: Literal["list"] = "list"
    data: list[T]
    next: str | None


class Posted(BaseModel):
    """A posted command with its receipt."""

    object: str
    id: str
    seq: int
    policy_version: int
    posted_at: str
    status: OrderStatus | None = Field(description="of an order; null for all else")
    refunded: Money | None = Field(description="of an order: how much of it was taken back")
    event: dict[str, Any]
    receipt: dict[str, Any]
    settlement: dict[str, Any] | None = Field(
        description="of an order that was paid first: the receipt of its settlement"
    )


class Pool(BaseModel):
    """A program and its pool; what a point is worth, and what it could be cashed for now."""

    object: Literal["program"] = "program"
    name: str
    entries: int
    policy_version: int
    reserve: Money
    supply: Points
    orphaned: Money
    price: Money
    price_less_fee: Money
    profile: str = Field(description="what the program may do; `demo` pays nothing for real")
    pays_cash: bool = Field(
        description="whether points can be cashed; if not, every `cash_now` and "
        "`price_less_fee` of the program is what they are redeemed for in goods"
    )
    last_hash: str


class PolicyVersion(BaseModel):
    """An immutable version of a program's policy."""

    object: Literal["policy"] = "policy"
    version: int
    created_at: str
    toml: str


class Member(BaseModel):
    """A member: points, what they are worth, and what they could be cashed for now."""

    object: Literal["member"] = "member"
    id: str
    referrer: str | None
    lots: int
    points: Points
    value: Money
    cash_now: Money
    received: Money


class Lot(BaseModel):
    """Points bought together, and what may still be paid for them."""

    object: Literal["lot"] = "lot"
    id: str
    seq: int
    points: Points
    value: Money
    cash_now: Money
    headroom: Money
    received: Money


class Merchant(BaseModel):
    """A merchant who sold or took points."""

    object: Literal["merchant"] = "merchant"
    id: str


class MerchantAccount(Merchant):
    """A merchant, and what is owed to it."""

    owed: Money


class Wallet(BaseModel):
    """A member's cash; below zero after a clawback, and then owed."""

    object: Literal["wallet"] = "wallet"
    member: str
    balance: Money


class StatementLine(BaseModel):
    """A movement on a member's account, and the balance it left."""

    seq: int
    id: str
    at: str | None
    cause: str
    unit: str
    change: str
    balance: str


class Statement(BaseModel):
    """Every movement of a member, oldest first."""

    object: Literal["statement"] = "statement"
    member: str
    wallet: Money
    credit: Money
    points: Points
    cash_now: Money
    lines: list[StatementLine]


class Commission(BaseModel):
    """A commission, and the order it was earned by."""

    object: Literal["commission"] = "commission"
    seq: int
    kind: str
    member: str
    amount: Money
    order: str


class PricePoint(BaseModel):
    """The pool after an entry; times `factor`, prices before and after splits compare."""

    seq: int
    type: str
    at: str
    reserve: Money
    supply: Points
    price: Money
    factor: int


class Prices(BaseModel):
    """The price history, evenly thinned; what a seller gets of a price is beside it."""

    object: Literal["prices"] = "prices"
    cash_out_fee: str
    data: list[PricePoint]


class Quote(BaseModel):
    """What a cash-out would pay now; send `net` as min_net to be paid no less.

    Where cash-outs are daily it is an estimate: the batch pays the price that stands then.
    """

    object: Literal["quote"] = "quote"
    member: str
    points: Points
    gross: Money
    net: Money
    state: int = Field(description="entries posted when it was made")
    execution: Literal["instant", "daily"]
    is_estimate: bool = Field(description="true where it is paid later, at the price of then")
    pays_at: str | None = Field(description="when the next batch is due, where it is daily")


class KeyIn(BaseModel):
    """A key to be created."""

    scopes: list[str]
    mode: Literal["test", "live"] = "test"


class Key(BaseModel):
    """A key of the API, without its secret."""

    object: Literal["api_key"] = "api_key"
    id: str
    mode: str
    scopes: list[str]
    created_at: str
    revoked_at: str | None


class NewKey(Key):
    """A key with its secret, which is shown this once."""

    secret: str


class Health(BaseModel):
    """Whether the server can do its work."""

    status: Literal["ok", "down"]
