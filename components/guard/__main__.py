"""`python -m components.guard --upstream http://127.0.0.1:8000/v1 --port 8080`: starts the guard."""

import argparse
import asyncio
import sys

from components.common.errors import UserError
from components.guard.app import make_app
from components.guard.server import serve
from components.guard.settings import GuardSettings


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m components.guard", description="crisis guard in front of an OpenAI-compatible server")
    parser.add_argument("--upstream", required=True, help="URL of the model server, ending in /v1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    args = parser.parse_args()
    try:
        app = make_app(args.upstream, GuardSettings.from_environment())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(serve(app, args.host, args.port))


def _event_loop() -> asyncio.AbstractEventLoop:
    """Returns uvloop's event loop where it is installed: it halves what a word costs."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
