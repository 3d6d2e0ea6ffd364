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


class NotPossible(Exception):
    """What was asked for cannot be done now; the message says why, and the remedy."""
