"""Text as a terminal may show it: what would steer the terminal is written out instead.

Names come from files that somebody else made. A control character in one can clear the screen,
colour what follows or put words into the input line, and a mark of writing direction can make a
line read otherwise than it is. The command line writes through `EscapedStream`, so that no verb has
to think of it.
"""

from __future__ import annotations

import re
from typing import Any, TextIO

#: Control characters (C0, C1), marks of direction and invisible ones, separators of lines and
#: paragraphs, tags, and halves of characters, which no encoding can write.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def shown(text: str) -> str:
    r"""Text with its steering characters written out; tabs and line ends stay.

    Examples
    --------
    >>> print(shown("SKBR3\x1b[2J \u202eevil"))
    SKBR3\x1b[2J \u202eevil
    """
    return _STEERING.sub(lambda found: _written_out(found[0]), text)


def _written_out(sign: str) -> str:
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class EscapedStream:
    """A text stream that writes what `shown` makes of text.

    Parameters
    ----------
    stream : text file
        Standard output or error.
    returns : bool
        Whether carriage returns stay, with which a progress bar is drawn over itself.
    """

    def __init__(self, stream: TextIO, *, returns: bool = False) -> None:
        self._stream = stream
        self._returns = returns

    def write(self, text: str) -> int:
        """Write text; give back how many of its characters were taken."""
        if self._returns:
            self._stream.write("\r".join(map(shown, text.split("\r"))))
        else:
            self._stream.write(shown(text.replace("\r\n", "\n")))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write some texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)
