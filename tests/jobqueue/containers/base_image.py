"""A base image without a registry: the machine's own Python and the libraries that it loads, packed as a tar file.

What is packed keeps its path, so that everything finds everything. It is enough to make a virtual environment, to
install wheels, and to run what they hold.
"""

import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

LEFT_OUT = {"__pycache__", "test", "tests", "site-packages", "dist-packages", "idlelib", "lib2to3", "turtledemo"}
WANTED_BY_WHEELS = ("libstdc++.so.6", "libgcc_s.so.1", "libm.so.6", "librt.so.1", "libdl.so.2", "libpthread.so.0")
"""What a manylinux wheel may expect of every machine, beside the C library."""


def pack(tar_path):
    """Write the image's root file system to a tar file."""
    interpreter = Path(os.path.realpath(sys.executable))
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    shell = Path(os.path.realpath("/bin/sh"))
    binaries = [interpreter, shell, *stdlib.glob("lib-dynload/*.so")]
    with tarfile.open(tar_path, "w", dereference=True) as tar:
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                _link(tar, name, str(Path("/", name).readlink()))
        for path in sorted({interpreter, shell, *_libraries(binaries)}):
            tar.add(path, _inside(path))
        tar.add(stdlib, _inside(stdlib), filter=_without_tests)
        for name, target in (("python3", interpreter), ("sh", shell)):
            if _inside(target) != f"usr/bin/{name}":
                _link(tar, f"usr/bin/{name}", str(target))
        _folder(tar, "tmp", 0o1777)
        _folder(tar, "etc", 0o755)
        _file(tar, "etc/passwd", "root:x:0:0:root:/:/bin/sh\njobqueue:x:10001:10001::/tmp:/bin/sh\n")


def _libraries(binaries):
    """Return the paths of all shared libraries that these load, and of what wheels expect."""
    paths = set()
    for binary in binaries:
        said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
        paths |= {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    beside = {path.parent for path in paths if path.name.startswith("libc.so")}
    for name in WANTED_BY_WHEELS:
        places = [Path(path) for path in re.findall(rf"^\s*{re.escape(name)} .*=> (\S+)$", known, re.MULTILINE)]
        paths |= {path for path in places if path.parent in beside}
    return paths


def _inside(path):
    """Return the path in the image; a folder that is a link on the machine is followed, the file itself is not."""
    return str(Path(os.path.realpath(path.parent), path.name)).lstrip("/")


def _without_tests(member):
    return None if LEFT_OUT & set(Path(member.name).parts) else member


def _link(tar, name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _folder(tar, name, mode):
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _file(tar, name, text):
    member = tarfile.TarInfo(name)
    member.size = len(text)
    tar.addfile(member, io.BytesIO(text.encode()))
