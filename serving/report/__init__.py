"""The HTML report and the one-page PDF that are drawn from a score folder.

`writing.write_report` writes ``report.html``, `one_page` a print-ready A4 page. Scripts and styles
lie beside, and the two libraries that draw in ``vendor``; a page needs no network.
"""

__all__ = [
    "contents",
    "one_page",
    "one_page_charts",
    "overview",
    "page",
    "writing",
]
