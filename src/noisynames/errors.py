"""The one error that a user's own input can cause."""


class UserError(Exception):
    """Something the user gave is wrong; the message is one line that says what and what is allowed.

    The command line prints the message without a traceback and exits with status 1.
    """
