"""The errors a user can meet. Each message names the value, the limit and the fix."""

from __future__ import annotations


class EmbodiedMemError(Exception):
    """Base of every error that is the user's to mend; the command line prints it and exits with 2."""


class ConfigError(EmbodiedMemError):
    """A configuration has an unknown key, a wrong type or a value out of range."""


class InputError(EmbodiedMemError):
    """A frame, question or file from outside was refused; nothing was stored."""


class PalaceError(EmbodiedMemError):
    """A palace folder is missing, empty, damaged or of another version."""


class NavigationError(EmbodiedMemError):
    """A goal cannot be reached; the message says why."""


class WireError(EmbodiedMemError):
    """The other end of a connection is not there, too slow, failed, or speaks another protocol."""
