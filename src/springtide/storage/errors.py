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


class UnknownAlarm(Exception):
    """The program has no alarm of this id."""


class UnusableControl(Exception):
    """A switch that is not there, or a reason that says nothing."""
