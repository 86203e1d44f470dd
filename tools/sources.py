"""What the code checks share: finding the project's files, reading C without its comments and strings, and reporting."""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

CODE_FOLDERS = ("src", "tests", "bench")

# Comments, string and character literals; the alternatives are tried in this order at each place of the text.
COMMENT_OR_LITERAL = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(text):
    """As many characters in as many lines, all of them spaces."""
    return re.sub(r"[^\n]", " ", text)


@dataclass
class Source:
    path: str  # relative to the root, with slashes
    text: str

    def __post_init__(self):
        self.lines = self.text.split("\n")

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def code(self):
        """The text with comments and the insides of literals blanked, every line and column in its place."""
        def replace(match):
            found = match.group()
            return blank(found) if found[0] == "/" else found[0] + blank(found[1:-1]) + found[-1]
        return COMMENT_OR_LITERAL.sub(replace, self.text)

    def comments(self):
        """The text with everything but the comments blanked."""
        kept, end = [], 0
        for match in COMMENT_OR_LITERAL.finditer(self.text):
            kept.append(blank(self.text[end:match.start()]))
            kept.append(match.group() if match.group()[0] == "/" else blank(match.group()))
            end = match.end()
        return "".join(kept) + blank(self.text[end:])


def find_files(root, folders, patterns):
    """Sources below the folders (or the root's own files for "."), sorted by path."""
    found = []
    for folder in folders:
        for pattern in patterns:
            places = root.glob(pattern) if folder == "." else (root / folder).rglob(pattern)
            found += [place for place in places if place.is_file() and "__pycache__" not in place.parts]
    return [Source(place.relative_to(root).as_posix(), place.read_bytes().decode("utf-8", errors="replace"))
            for place in sorted(set(found))]


class Report:
    def __init__(self):
        self.problems = []

    def add(self, path, line, message):
        self.problems.append((path, line, message))

    def finish(self, what):
        for path, line, message in sorted(self.problems):
            print(f"{path}:{line}: {message}")
        print(f"{what}: {len(self.problems)} problems" if self.problems else f"{what}: fine")
        return 1 if self.problems else 0


def root_argument(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the tree to check (default: this repository)")
    return parser.parse_args(sys.argv[1:]).root.resolve()
