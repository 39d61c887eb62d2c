"""Time is an argument: who needs it is given a clock, in whole seconds since the epoch, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]


def system_clock() -> int:
    """Seconds since the epoch, cut and not rounded, so that `auth_time` never lies in the future."""
    return int(time.time())
