"""The HTML report and the one-page PDF that are drawn from a score folder.

`writing.write_report` writes ``report.html`` and its further pages, each from its `contents` (data
of the samples, as `json_text`), the `overview` (of the whole study) and the template of `page`;
`one_page` draws a print-ready A4 page. Scripts and styles lie beside, and the two libraries that
draw in ``vendor``; a page needs no network.
"""

__all__ = [
    "contents",
    "json_text",
    "one_page",
    "overview",
    "page",
    "tracks",
    "writing",
]
