"""Set up the development environment, one step at a time; `make` calls the steps and remembers which are done.

    python3 tools/set_up.py venv       .venv, of the Python that runs this
    .venv/bin/python tools/set_up.py node       npm packages of extension/; Node from PyPI where the system has none
    .venv/bin/python tools/set_up.py labextension   JupyterLab finds the checkout's extension
    .venv/bin/python tools/set_up.py chromium   a browser for the browser tests, where one can be had

Runs on a bare Python: only the standard library, and syntax that an old interpreter can read far enough to be told it is old.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
VENV = HERE / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# Debian 12's pip is too old to say what conflicts with what; hatchling is what tools/widget_bundle.py is a part of; the last builds the extension
FIRST_PACKAGES = ("pip>=25", "hatchling>=1.27", "jupyter-builder>=1.3")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def run(*command: "str | Path", folder: Path = HERE) -> None:
    """Run a command in the checkout, showing what it is; its failure ends the set-up with its own message."""
    print("+", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"set-up stopped: `{' '.join(map(str, command))}` failed with code {done.returncode}")


def apt_install(*packages: str) -> bool:
    """Install Debian packages; says whether this machine lets us. Where it does and the installation fails, the set-up stops."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("apt-get", "update", "-q")
    run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    return True


def venv() -> None:
    """Make `.venv`, or keep the one that is there if it works."""
    if sys.version_info < (3, 11):  # noqa: UP036  # this is the check
        sys.exit(f"wflab needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 ...")
    if VENV_PYTHON.exists():
        probe = "import hatchling, jupyter_builder, pip, sys; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([str(VENV_PYTHON), "-c", probe], check=False, capture_output=True).returncode == 0:
            return
    try:
        import ensurepip  # noqa: F401, PLC0415  # Debian ships it apart, and `python3 -m venv` explains that badly
    except ImportError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not apt_install(package):
            sys.exit(f"This Python cannot make virtual environments. As root: apt-get install -y {package}; then run make again.")
    run(sys.executable, "-m", "venv", "--clear", VENV)
    run(VENV_PYTHON, "-m", "pip", "install", "--quiet", "--upgrade", *FIRST_PACKAGES)


def node() -> None:
    """Install the npm packages that the lock file names."""
    sys.path.insert(0, str(HERE / "tools"))
    import widget_bundle  # noqa: PLC0415  # it knows which Node will do, and is there only once the environment is

    if not widget_bundle.node_is_usable():
        run(VENV_PYTHON, "-m", "pip", "install", "--quiet", widget_bundle.NODE_REQUIREMENT)
    run("npm", "ci", folder=HERE / "extension")


def labextension() -> None:
    """Link the built extension to where this environment's JupyterLab looks: an editable installation has none, a wheel brings its own."""
    link = VENV / "share" / "jupyter" / "labextensions" / "wflab"
    target = HERE / "wflab" / "labextension"
    if link.is_symlink() and link.resolve() == target:
        return
    if link.is_symlink() or link.exists():
        sys.exit(f"{link} is there already, and not from here. Remove it (pip uninstall wflab), then run make again.")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def chromium() -> None:
    """Look for a Chromium, and install Debian's where we may. Without one the browser tests say loudly that they were skipped."""
    if any(map(shutil.which, BROWSERS)):
        return
    if not apt_install("chromium", "fonts-dejavu-core"):
        print("!! No Chromium, and no way to install it: the browser tests will be SKIPPED. As root: apt-get install -y chromium")


if __name__ == "__main__":
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    {"venv": venv, "node": node, "labextension": labextension, "chromium": chromium}[sys.argv[1]]()
