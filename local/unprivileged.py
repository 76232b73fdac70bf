"""Runs PostgreSQL under an ordinary user id if root calls, because it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

from local.console import Failure

IN_NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
AS_USER = "import os, sys; os.setgroups([]); os.setgid({gid}); os.setuid({uid}); os.execv(sys.argv[1], sys.argv[1:])"


@lru_cache(maxsize=1)
def method() -> Literal["as is", "namespace", "nobody"]:
    """How to run it: in a user namespace, where root's files belong to an ordinary id, or else as `nobody`."""
    if os.geteuid() != 0:
        return "as is"
    if shutil.which("unshare") and subprocess.run([*IN_NAMESPACE, "true"], capture_output=True).returncode == 0:
        return "namespace"
    return "nobody"


def prepare(command: list[str]) -> list[str]:
    """`command` with a prefix that runs it under an ordinary id."""
    if method() == "as is":
        return command
    if method() == "namespace":
        return [*IN_NAMESPACE, *command]
    nobody = pwd.getpwnam("nobody")
    program = shutil.which(command[0]) or command[0]
    return [sys.executable, "-c", AS_USER.format(uid=nobody.pw_uid, gid=nobody.pw_gid), program, *command[1:]]


def own(folder: Path, program: Path) -> None:
    """Give `folder` to the id under which `program` will run there.

    Raises:
        Failure: that id cannot reach one of them.
    """
    if method() == "as is":
        return
    nobody = pwd.getpwnam("nobody")
    uid, gid = (nobody.pw_uid, nobody.pw_gid) if method() == "nobody" else (0, 0)
    if folder.stat().st_uid != uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)
    for test, path in (("-x", program), ("-r", folder)):
        if subprocess.run(prepare(["test", test, str(path)]), cwd="/").returncode != 0:
            raise Failure(
                f"PostgreSQL does not run as root, user namespaces are forbidden here, and the user 'nobody' cannot "
                f"reach {path}; call make as an ordinary user, or move the checkout to a folder that others may enter"
            )
