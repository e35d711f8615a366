"""Confines the calling process on Linux; neither root nor another program is needed.

Of the standard library alone: the supervisor of a submission uses it before anything else runs.

- Landlock (Linux 5.13 and newer, where it is switched on): files are written below one folder only;
  from Linux 6.7 on there is no TCP, and from 6.12 on no signal to a process outside. A process that
  is confined cannot trace, nor read the variables of, one that is not. Landlock does not cover
  reading, UDP, sockets of the file system, modes and times of files.
- A PID namespace (root, or where users may make namespaces) ends with its first process: the kernel
  kills all that is in it, and nobody in it can signal anybody outside.
- What root may do beyond reading and writing files is given up: nobody raises a limit again.

https://docs.kernel.org/userspace-api/landlock.html, man 7 pid_namespaces
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls, the same on every architecture."""
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_CAPABILITIES, _OF_FILES = 64, frozenset({1, 2})
"""Room for all there are; those that pass over the modes of files, as a root without them cannot
read a checkout of somebody else."""
_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000

_WRITE_FILE, _REFER, _TRUNCATE, _IOCTL_DEV = 1 << 1, 1 << 13, 1 << 14, 1 << 15
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_TCP = 1 << 0 | 1 << 1
_SCOPES = 1 << 0 | 1 << 1
_ABI_REFER, _ABI_TRUNCATE, _ABI_TCP, _ABI_IOCTL, _ABI_SCOPES = 2, 3, 4, 5, 6
_RIGHTS_SINCE = ((_ABI_REFER, _REFER), (_ABI_TRUNCATE, _TRUNCATE), (_ABI_IOCTL, _IOCTL_DEV))
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")


def prctl(what: int, value: int) -> None:
    """Sets a property of this process, on Linux alone.

    Args:
        what: number of the property.
        value: for it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(what, value, 0, 0, 0)


def landlock_version() -> int:
    """The version of Landlock that this kernel has; 0: none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def write_only_below(folder: str) -> int:
    """Confines this process and all that it starts, as far as the kernel can.

    Args:
        folder: where files may be written, made and removed.

    Returns:
        The version of Landlock that is in force; 0: nothing is refused.
    """
    version = landlock_version()
    if version == 0:
        return 0
    files = _WRITE_FILE | _REMOVE_AND_MAKE
    for least, right in _RIGHTS_SINCE:
        files |= right if version >= least else 0
    asked = [files]
    asked += [_TCP] if version >= _ABI_TCP else []
    asked += [_SCOPES] if version >= _ABI_SCOPES else []
    attributes = struct.pack(f"={len(asked)}Q", *asked)
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return 0
    try:
        _allow(rules, folder, files)
        for device in _DEVICES:
            _allow(rules, device, files & (_WRITE_FILE | _TRUNCATE | _IOCTL_DEV))
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        return version if _call(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def give_up_privileges() -> None:
    """Leaves the processes started from now on only the capabilities of files, even as root."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for capability in set(range(_CAPABILITIES)) - _OF_FILES:
        prctl(_PR_CAPBSET_DROP, capability)


def new_pid_namespace() -> bool:
    """Makes the next process that is forked here the first one of a PID namespace.

    Who is not root makes a namespace of users for it, in which every file is whose it was.

    Returns:
        Whether it was made; elsewhere than on Linux, or where it is forbidden, it is not.
    """
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_CLONE_NEWPID) == 0:
        return True
    if unshare(_CLONE_NEWUSER | _CLONE_NEWPID) != 0:
        return False
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def in_words(report: dict[str, int]) -> str:
    """The confinement that a supervisor reported, in words.

    Args:
        report: `landlock`: its version, or 0; `namespace`: 1 or 0.

    Returns:
        Sentences.

    Example:
        >>> in_words({"landlock": 0, "namespace": 0})
        'Nothing is confined here: the code can change your files and signal your processes.'
    """
    version, namespace = report.get("landlock", 0), report.get("namespace", 0)
    kept = []
    if version:
        kept.append("write files outside of its own folder")
    if version >= _ABI_TCP:
        kept.append("use TCP")
    if version >= _ABI_SCOPES or namespace:
        kept.append("signal processes of others")
    if not kept:
        return "Nothing is confined here: the code can change your files and signal your processes."
    by = [f"Landlock {version}"] * bool(version) + ["a PID namespace"] * bool(namespace)
    *first, last = kept
    what = f"{', '.join(first)} or {last}" if first else last
    can = "read what you can" if version else "read and write what you can"
    return f"Confined by {' and '.join(by)}: the code cannot {what}. It can {can}."


def _allow(rules: int, path: str, rights: int) -> None:
    """Allows rights below a path; a path that does not exist is skipped."""
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", rights, place)
            _call(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0)
        finally:
            os.close(place)


def _call(number: int, *words: int | bytes | None) -> int:
    """A system call; -1 where it fails."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in words]
    result: int = call(ctypes.c_long(number), *given)
    return result
