"""CPU seconds of a whole process tree, those who have ended in it included."""

from __future__ import annotations

import contextlib

import psutil


def cpu_s(root: psutil.Process) -> float:
    """User and system time of ``root`` and of all below it so far. Children who ended are in their parent's figure
    once it has waited for them. The kernel's own resolution: 10 ms."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
