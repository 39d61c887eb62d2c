"""What pyproject.toml cannot say: the wheel's templates, pages of docs/connect and compiled translations.

Templates and pages live beside the package in a checkout and inside it in a wheel (`idp.resources` finds them in both places);
translations are compiled while the wheel is built.
"""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TEMPLATES = Path("templates")
RECIPES = Path("docs/connect")
TRANSLATIONS = Path("idp/translations")


class BuildWithResources(build_py):
    """Copy the package, then its templates, pages and compiled translations; an editable install needs neither."""

    def run(self) -> None:
        """Build; everything is written below `build_lib`."""
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib) / "idp"
        if TEMPLATES.is_dir():
            shutil.copytree(TEMPLATES, package / "templates", dirs_exist_ok=True)
        if RECIPES.is_dir():
            shutil.copytree(RECIPES, package / "connect", dirs_exist_ok=True)
        compile_all = runpy.run_path("scripts/compile_messages.py")["compile_all"]
        compile_all(TRANSLATIONS, package / "translations")


setup(cmdclass={"build_py": BuildWithResources})
