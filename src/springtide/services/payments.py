"""Taking a customer's money for an order: the port for payment services, and the sandbox.

Money is taken before the order is posted, under the order's id; asked for again under the same
id, a service takes it no second time. So whoever was cut off in between sends the order again.
"""

from typing import Protocol

from springtide.services.profiles import Profile
from springtide.storage.errors import NotPossible

__all__ = ["NoProvider", "NotPaid", "NotPossible", "Provider", "Sandbox", "provider_of"]


class Provider(Protocol):
    """A payment service."""

    name: str

    def charge(self, reference: str, amount_micro: int) -> None:
        """Take an amount, once a reference.

        Raises:
            NotPaid: the customer did not pay.
        """

    def give_back(self, reference: str, amount_micro: int, once: str) -> None:
        """Give back what was taken under a reference, or a part; once for each `once`."""


class NotPaid(NotPossible):
    """The customer did not pay; the message says why."""

    code = "not_paid"


class NoProvider(NotPossible):
    """Real money is at stake, and no real service is connected."""

    code = "no_provider"


class Sandbox:
    """Takes nothing and says that it was paid: for trying."""

    name = "sandbox"

    def charge(self, reference: str, amount_micro: int) -> None:
        """It is as if it had been paid."""
        assert reference
        assert amount_micro > 0

    def give_back(self, reference: str, amount_micro: int, once: str) -> None:
        """It is as if it had been given back."""
        assert reference
        assert once
        assert amount_micro >= 0


def provider_of(profile: Profile) -> Provider:
    """The payment service of programs under a profile.

    Raises:
        NoProvider: real money is at stake, and no real service is connected.
    """
    if profile.real_money:
        raise NoProvider(
            f"the profile {profile.name} is for real money and no payment service is connected;"
            " pay at the till, and let the shop send the order"
        )
    return Sandbox()
