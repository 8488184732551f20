"""What a user did wrong, said in one sentence."""

from __future__ import annotations


class InputError(ValueError):
    """A mistake in what the user gave, that the user can mend.

    The message is one sentence that names the file, the row or column, the value, and the fix.
    The command line prints it on standard error and exits with `exit_code`.
    """

    exit_code = 2


def comes_again(error: BaseException | None) -> bool:
    """Whether the same command would end in the same error: a mistake that no disk caused."""
    return isinstance(error, InputError) and not isinstance(error.__cause__, OSError)
