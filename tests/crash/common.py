"""What the crash tests share: how they are started, and settings under which everything happens
often."""
import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import DidNotStart, Failed, kill_all  # noqa: E402

# Compaction, merging, new log files and sweeping within a second of load.
BUSY = {"compaction_tail_records": 200, "compaction_idle_ms": 20, "compaction_settle_ms": 100,
        "log_file_bytes": 400_000}
SPACE_SECONDS = 120


def files_of(directory):
    """Path -> size of the files below, without those that vanish meanwhile."""
    sizes = {}
    for folder, _, names in os.walk(directory):  # which passes over folders that vanish, too
        for name in names:
            path = pathlib.Path(folder, name)
            with contextlib.suppress(OSError):
                sizes[path.relative_to(directory)] = path.stat().st_size
    return sizes


def check_space_comes_back(directory):
    """After every collection was deleted: no blob or directory of blobs stays, and little log."""
    deadline = time.monotonic() + SPACE_SECONDS
    while True:
        sizes = files_of(directory)
        blobs = [p.name for p in pathlib.Path(directory, "blobs").iterdir()]
        log_bytes = sum(s for p, s in sizes.items() if p.suffix == ".log")
        if not blobs and log_bytes <= 8 << 20:
            return
        if time.monotonic() > deadline:
            raise Failed(f"{len(blobs)} blobs and {log_bytes} bytes of log stay after everything "
                         f"was deleted: {blobs[:5]}")
        time.sleep(0.05)


def main(description, add_options, run):
    """Runs `run(options, directory)`; the exit code of the program. Prints what replays it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--keep", action="store_true", help="leave the directory after a failure")
    add_options(parser)
    options = parser.parse_args()
    print(f"{sys.argv[0]} {' '.join(sys.argv[1:])}"
          f"{'' if '--seed' in sys.argv else f' --seed {options.seed}'}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is taken down
    directory = pathlib.Path(tempfile.mkdtemp(prefix="chroma-crash-"))
    try:
        run(options, directory)
    except (Failed, DidNotStart) as error:
        print(f"FAILED: {error}")
        if options.keep:
            print(f"left in {directory}")
            directory = None
        return 1
    finally:
        if directory:
            kill_all()
            shutil.rmtree(directory, ignore_errors=True)
    return 0
