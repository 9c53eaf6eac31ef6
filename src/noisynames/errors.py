"""The one error that a user's own input can cause."""


class UserError(Exception):
    """Something in the user's input is wrong; one line says what was found and what is allowed.

    The command line prints the message without a traceback and exits with status 1.
    """
