"""The packages of these tests stand in a folder of their own, which tools/setup makes."""

import site
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent.parent / "build" / "tools" / "deploy"
PACKAGES = TOOLS / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

if not PACKAGES.is_dir():
    raise pytest.UsageError(f"{PACKAGES} is not there; run tools/setup test")
site.addsitedir(str(PACKAGES))
sys.path.append(str(Path(__file__).resolve().parent.parent / "scenario"))
