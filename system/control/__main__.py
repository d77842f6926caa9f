"""`python -m system.control`: the control process, until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys

import uvloop
from prometheus_client import CollectorRegistry

from system.contract.errors import SettingsError
from system.contract.web import serve
from system.control.app import build_app
from system.settings import ControlSettings
from system.web import set_up_logging


def main() -> int:
    """Exit code: 0 after an orderly stop, 2 for settings that cannot work."""
    set_up_logging()
    try:
        settings = ControlSettings.from_env()
    except SettingsError as exc:
        print(f"xiu control: {exc}", file=sys.stderr)
        return 2
    failed = False

    def stopped() -> None:
        nonlocal failed
        failed = True
        os.kill(os.getpid(), signal.SIGTERM)

    async def run() -> None:
        await serve(build_app(settings, CollectorRegistry(), stopped=stopped), settings.listen)

    uvloop.run(run())
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
