"""A disk that fills up in the middle of a run, is freed, and the run resumed: nothing lost, nothing twice. Needs root on Linux.

    sudo python tests/benchmarks/disk_full.py
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from archive_maker import make_archive

SIZE = 3 << 20  # bytes of the small disk


def main() -> int:
    argparse.ArgumentParser(description="A disk that fills up in the middle of a run (needs root).").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        disk = root / "disk"
        disk.mkdir()
        make_archive(root / "archive", 300, 20)
        predict = [sys.executable, "-m", "parastance.train", "predict", str(root / "archive"), "--quiet", "--part-size", "0.02"]
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(disk)], check=True)
        try:
            failures = 0
            for name in ("one.jsonl", "one.parquet", "one.csv", "folder/"):
                subprocess.run([*predict, "-o", str(root / "wanted") + f"-{name}"], stderr=subprocess.DEVNULL, check=False)
                wanted = bytes_of(root / f"wanted-{name}", "wanted-")
                ballast = disk / "ballast"
                size = sum(map(len, wanted.values()))
                ballast.write_bytes(bytes(max(SIZE - size // 2 - (64 << 10), 0)))
                arguments = [*predict, "-o", f"{disk}/{name}", "--jobs", "2"]
                full = subprocess.run(arguments, stderr=subprocess.PIPE, text=True, check=False)
                message = [line for line in full.stderr.splitlines() if "No space" in line or "--resume" in line]
                ballast.unlink()
                subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
                again = subprocess.run([*arguments, "--resume"], stderr=subprocess.PIPE, text=True, check=False)
                found = bytes_of(disk / name, "")
                same = found == wanted
                failures += not same or full.returncode != 2 or again.returncode != 1
                print(f"{name}: full: exit status {full.returncode}: {' | '.join(message)}")
                print(f"{name}: freed and resumed: exit status {again.returncode}, {'equal' if same else 'DIFFERS'}", flush=True)
                subprocess.run(f"rm -rf {disk}/* {disk}/.[!.]*", shell=True, check=False)
                subprocess.run(["mount", "-o", f"remount,size={SIZE}", str(disk)], check=True)
        finally:
            subprocess.run(["umount", str(disk)], check=False)
    return int(failures > 0)


def bytes_of(output: Path, prefix: str) -> dict[str, bytes]:
    """Return the bytes of an output and what lies beside it, by name."""
    beside = [path for path in output.parent.iterdir() if path.name.startswith(output.name)]
    files = [file for path in beside for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return {str(file.relative_to(output.parent)).removeprefix(prefix): file.read_bytes() for file in sorted(files)}


if __name__ == "__main__":
    sys.exit(main())
