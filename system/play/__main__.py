"""`python -m system.play`: the play process, until SIGTERM."""

from __future__ import annotations

import sys

import uvloop
from prometheus_client import CollectorRegistry

from system.contract.errors import SettingsError
from system.contract.web import serve
from system.play.app import build_app
from system.play.plays import plays
from system.settings import PlaySettings
from system.web import set_up_logging


def main() -> int:
    """Exit code: 0 after an orderly stop, 2 for settings that cannot work."""
    set_up_logging()
    try:
        settings = PlaySettings.from_env()
        plays()
    except SettingsError as exc:
        print(f"xiu play: {exc}", file=sys.stderr)
        return 2

    async def run() -> None:
        await serve(build_app(settings, CollectorRegistry()), settings.listen)

    uvloop.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
