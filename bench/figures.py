"""Ratios over rounds, the table on the terminal, the machine's description and the section of docs/benchmarks.md."""

import datetime
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BEGIN = "<!-- written by bench/run: begin {name} -->"
END = "<!-- written by bench/run: end {name} -->"
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


@dataclass
class Row:
    """One budget: a value per round, and what is asked of it. With `smaller`, the values shall not exceed floor and aim.
    Without a floor nothing is asked."""

    what: str
    unit: str
    floor: float = None
    aim: float = None
    smaller: bool = False
    values: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def median(self):
        return statistics.median(self.values)

    def verdict(self):
        if self.floor is None:
            return ""
        reaches = (lambda limit: self.median() <= limit) if self.smaller else (lambda limit: self.median() >= limit)
        if reaches(self.aim):
            return "aim reached"
        return "floor held" if reaches(self.floor) else "FLOOR MISSED"

    def cells(self):
        relation = "<=" if self.smaller else ">="
        spread = [min(self.values), self.median(), max(self.values)]
        asked = ["", ""] if self.floor is None else [f"{relation} {number(limit)}" for limit in (self.floor, self.aim)]
        return [self.what, self.unit, *map(number, spread), *asked, self.verdict()]


HEAD = ["what", "unit", "min", "median", "max", "floor", "aim", "verdict"]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def print_table(rows):
    table = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEAD))]
    for cells in table:
        padded = [cell.ljust(width) if column < 2 or column == 7 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(cells, widths))]
        print("  ".join(padded).rstrip())
    for row in rows:
        for note in row.notes:
            print(f"  {row.what}: {note}")


def mount_of(folder):
    """(file system type, device) of the mount that holds the folder."""
    best = ("", "unknown", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        point = point.replace("\\040", " ")
        inside = str(folder) == point or str(folder).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind, device)
    return best[1], best[2]


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def compiler_of(build):
    """The compiler's own first line and the build type, from the build folder's cache."""
    cache = {}
    for line in (build / "CMakeCache.txt").read_text().splitlines():
        name, _, value = line.partition("=")
        cache[name.split(":")[0]] = value
    compiler = cache.get("CMAKE_C_COMPILER", "cc")
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    return f"{version.splitlines()[0] if version else compiler}, {cache.get('CMAKE_BUILD_TYPE', '?')}"


def describe_machine(tools, folder):
    kind, device = mount_of(folder)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        ("CPU", f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores, {platform.machine()}"),
        ("memory", f"{memory:.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("data folder on", f"{kind} ({device})"),
        ("compiler", compiler_of(tools["build"])),
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")),
    ]


def markdown(rows, machine):
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|--:|--:|--:|--:|--:|---|"]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    lines += [""]
    lines += [f"- {row.what}: {note}" for row in rows for note in row.notes]
    lines += ["", "Measured on: " + "; ".join(f"{name} {value}" for name, value in machine) + "."]
    return "\n".join(lines)


def write_section(path, name, heading, text):
    """Replaces what stands between the section's markers; a new section goes to the end of the file."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    page = path.read_text() if path.exists() else "# Benchmarks\n\nWritten by `make bench`; the two sides of each ratio are measured in turn in one run.\n"
    section = f"{begin}\n{text}\n{end}"
    if begin in page and end in page:
        page = page[:page.index(begin)] + section + page[page.index(end) + len(end):]
    else:
        page = page.rstrip("\n") + f"\n\n## {heading}\n\n{section}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
