"""Errors that the user can mend."""


class InputError(ValueError):
    """Something given to the workflow cannot be used; the message names it, its value and the remedy.

    It is shown to the user without a traceback.
    """
