"""Make the Python of the gateway's .proto files anew: `python tools/generate_wire.py`, after a change of one of them.

The generator is of the oldest protobuf we work with: what a newer one makes, an older runtime refuses to load. It is installed into an environment of
its own, since it would pull ours down with it.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "engine"
WIRE = SOURCE / "wfengine" / "gateway" / "wire"
GENERATOR = "grpcio-tools>=1.76,<1.82"
MADE_BY = "Protobuf Python Version: 6.33."


def main() -> int:
    """Generate, and check that it came out as of the version that is wanted."""
    protos = sorted(str(path.relative_to(SOURCE)) for path in WIRE.glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", GENERATOR], check=True)
        subprocess.run([python, "-m", "grpc_tools.protoc", "-I.", "--python_out=.", "--pyi_out=.", *protos], cwd=SOURCE, check=True)
    strangers = [path.name for path in WIRE.glob("*_pb2.py") if MADE_BY not in path.read_text("utf-8")]
    print(f"made {', '.join(protos)}" if not strangers else f"{', '.join(strangers)}: not of protobuf 6.33")
    return 1 if strangers else 0


if __name__ == "__main__":
    sys.exit(main())
