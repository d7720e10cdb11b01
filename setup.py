"""Puts the sample city into the package. All else about the distribution is in pyproject.toml.

``deploy/city`` is the one source of the sample. A wheel cannot carry a folder outside of its
packages, so the build copies it to ``core/sample_city``; ``core.settings.SAMPLE_CITY`` is
whichever of the two there is.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SAMPLE = Path("deploy/city")
PLACE = Path("core/sample_city")


class BuildWithSampleCity(build_py):
    """Copies Python packages, and the sample city."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        for source, target in self._sample():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target), preserve_mode=False)

    def get_outputs(self, include_bytecode=True):
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else outputs + [str(to) for _, to in self._sample()]

    def get_source_files(self):
        return super().get_source_files() + [str(source) for source, _ in self._sample()]

    def _sample(self):
        """Each file of the sample city, and its target."""
        place = Path(self.build_lib) / PLACE
        return [
            (source, place / source.relative_to(SAMPLE))
            for source in sorted(SAMPLE.rglob("*"))
            if source.is_file() and "__pycache__" not in source.parts
        ]


setup(cmdclass={"build_py": BuildWithSampleCity})
