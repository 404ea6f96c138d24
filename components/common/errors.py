"""Errors that a user can act on."""


class UserError(Exception):
    """Something the user can fix: one sentence that names the problem and the fix.

    The CLI and the stages print the sentence alone and exit with code 1; a traceback appears only with `--debug`.
    """
