"""Imports Starlette's application class and tells the CPU time of that."""

import asyncio  # noqa: F401 - what every ASGI server has imported
import json
import sys
import time

started = time.process_time()

import starlette.applications  # noqa: E402, F401

sys.stdout.write(json.dumps({"seconds": time.process_time() - started}))
