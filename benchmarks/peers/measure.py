"""One cell, in a process and an environment of its own: `python -m benchmarks.peers.measure ENGINE WORK --directory D --result FILE`.

The figure goes into a file, because engines print. The process then leaves at once: some engines' threads would hold it.
"""

import argparse
import importlib
import json
import os
import traceback
from importlib import metadata
from pathlib import Path

from benchmarks.peers import works


def main() -> None:
    """Measure, and write what was found as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("work", choices=[*works.WORKS, "recovery"])
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--result", type=Path)
    options = parser.parse_args()
    opened: works.Opened = importlib.import_module(f"benchmarks.peers.{options.engine}").opened
    if options.work == "recovery":
        value = works.recovery(opened, options.engine, options.directory, options.size)
        durability = ""
    else:
        with opened(options.directory) as peer:
            value = works.WORKS[options.work](peer, options.size)
            durability = peer.durability()
    found = {"value": value, "version": metadata.version(options.engine), "durability": durability}
    options.result.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001  # whatever it was, it is told, and the process ends all the same
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
