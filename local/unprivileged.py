"""Runs PostgreSQL under an ordinary user id if root calls, because it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from local.console import Failure

IN_NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
BECOME_NOBODY = """
import os, pwd, shutil, sys
program, nobody = shutil.which(sys.argv[1]), pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
os.execv(program, sys.argv[1:])
"""


@lru_cache(maxsize=1)
def prefix() -> list[str]:
    """What root puts before a command: a user namespace, where its files belong to an ordinary id, or else `nobody`."""
    if os.geteuid() != 0:
        return []
    if shutil.which("unshare") and subprocess.run([*IN_NAMESPACE, "true"], capture_output=True).returncode == 0:
        return IN_NAMESPACE
    return [sys.executable, "-c", BECOME_NOBODY]


def own(folder: Path, program: Path) -> None:
    """Give `folder` to the id under which `program` will run there, which must be able to reach both."""
    if not prefix():
        return
    uid = 0 if prefix() == IN_NAMESPACE else pwd.getpwnam("nobody").pw_uid
    if folder.stat().st_uid != uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, pwd.getpwuid(uid).pw_gid, follow_symlinks=False)
    for test, path in (("-x", program), ("-r", folder)):
        if subprocess.run([*prefix(), "test", test, str(path)], cwd="/").returncode != 0:
            raise Failure(
                f"PostgreSQL does not run as root, user namespaces are forbidden here, and the user 'nobody' cannot "
                f"reach {path}; call make as an ordinary user, or move the checkout to a folder that others may enter"
            )
