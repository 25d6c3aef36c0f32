"""Reading an HTML page back."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "wbr", "circle", "path", "rect", "line"}


class Page(HTMLParser):
    """A strict reader: it refuses elements that are not closed and remembers links, identifiers and texts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.links, self.names, self.tags, self.texts = [], [], [], set(), []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.add(tag)
        self.texts.append(" " if tag in ("pre", "td", "th", "div", "p") else "")
        self.links += [values[name] for name in ("href", "src", "action", "xlink:href") if name in values]
        self.names += [values["id"]] if "id" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"[ \n]+", " ", "".join(self.texts)).strip()
