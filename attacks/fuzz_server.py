"""`idp serve`, which tells where all its threads are when it is sent SIGUSR1: for a server that does not answer."""

from __future__ import annotations

import faulthandler
import signal

from idp.cli import main

if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    main(["serve"])
