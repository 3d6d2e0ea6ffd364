"""What can go wrong between the product and its database; each message says the remedy."""


class DatabaseDown(Exception):
    """The database cannot be reached or started."""


class UnknownProgram(Exception):
    """No program has this name."""


class ProgramExists(Exception):
    """A program of this name is there already."""


class BadName(Exception):
    """What cannot name a program."""


class UnknownMember(Exception):
    """Nobody of this id ever bought, earned or was bound in the program."""


class UnknownKey(Exception):
    """The program has no API key of this id."""


class UnusableKey(Exception):
    """An API key was asked for that cannot be made."""


class UnknownStaff(Exception):
    """Nobody of this name works for the program, or at all."""


class UnusableStaff(Exception):
    """What was asked for about staff cannot be: a name, a role or a password of no use."""


class LastOwner(Exception):
    """A program would be left without an owner."""


class UnknownWebhook(Exception):
    """The program has no webhook, or no delivery, of this id."""


class UnusableWebhook(Exception):
    """A webhook was asked for that cannot be sent to."""


class UnknownAlarm(Exception):
    """The program has no alarm of this id."""


class UnusableControl(Exception):
    """A switch that is not there, or a reason that says nothing."""


class UnknownDraft(Exception):
    """The program has no draft of this number, or no policy of this version."""


class DraftState(Exception):
    """A draft is not where this could be done with it."""


class FourEyes(Exception):
    """Whoever made a draft cannot be the one who approves it."""


class UnknownEvidence(Exception):
    """The program has no evidence of this id."""


class UnusableEvidence(Exception):
    """Evidence was to be recorded that says something that cannot be."""


class NotPossible(Exception):
    """What was asked for cannot be done now; the message says why, and the remedy."""
