"""What hatchling asks while it builds: the wheel gets the pages and their sources, each as one archive.

So `taina serve` of an installed Taina delivers the pages, and `taina site build` makes others. An editable installation
gets neither: there the checkout has both.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OF_OTHERS = "site/node_modules/qrcode-generator/dist/qrcode.mjs"
"""The one file that pages ship from a package of npm. It is in no checkout, but in the archive of sources."""


class Pages(BuildHookInterface[BuilderConfig]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to be included. Raises: SystemExit: one is missing; it says how it is got."""
        if version == "editable":
            return
        if not (Path(self.root) / _OF_OTHERS).is_file():
            sys.exit(f"{_OF_OTHERS} is missing. Install it: npm ci --prefix site --omit=dev")
        if self.target_name == "sdist":
            build_data["force_include"][_OF_OTHERS] = _OF_OTHERS
            return
        sys.path.insert(0, str(Path(self.root) / "backend"))
        from taina.site.build import write_archives

        self._folder = tempfile.TemporaryDirectory()
        for file in write_archives(Path(self._folder.name)):
            build_data["force_include"][str(file)] = f"taina/site/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()
