"""What stands in the pages of docs/ to be run: commands and programs, each with what it answers."""

import json
import re

import service as services

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{32,}")


def blocks(page):
    """(language, text) of every block of a page, in order."""
    return FENCE.findall((services.ROOT / "docs" / page).read_text("utf-8"))


def examples(page, language):
    """(text, language of the answer, answer) of each block in this language, which the block behind it answers."""
    found = blocks(page)
    return [(text, *found[index + 1]) for index, (name, text) in enumerate(found) if name == language]


def shape(value):
    """What an answer has in common with another of its kind: names in their order, types, and how many rows."""
    if isinstance(value, dict):
        return {"object": [(name, shape(member)) for name, member in value.items()]}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def text_shape(text):
    """Its lines without times and without long words, which are ids, hashes and signatures."""
    return [LONG_WORD.sub("…", TIME.sub("…", line)) for line in text.splitlines()]


def same_shape(language, shown, answered):
    if language == "json":
        try:
            return shape(json.loads(shown)) == shape(json.loads(answered))
        except ValueError:
            return False
    return text_shape(shown) == text_shape(answered)
