"""The end of the interpreter, which threads of the library may be in at that moment."""

import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM = """
import asyncio, twoshare

class Tokens(twoshare.TokenProvider):
    async def token(self, refused):
        return "none"

async def main():
    http = twoshare.HttpConfig(
        url="http://127.0.0.1:1", transport=twoshare.StandardTransport(), tokens=Tokens()
    )
    client = twoshare.Client(twoshare.ClientConfig(
        custodian=twoshare.HttpCustodian(http), pinned=None, user="alice",
        device=twoshare.Device.MEMORY(twoshare.MemoryDevice()),
    ))
    calls = [asyncio.create_task(client.wallets_here()) for _ in range(40)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

asyncio.run(main())
"""


class Exit(unittest.TestCase):
    def test_a_program_may_end_in_the_middle_of_calls(self):
        # One of eight was aborted.
        for attempt in range(20):
            with self.subTest(attempt=attempt):
                package = Path(__file__).resolve().parent.parent
                program = [sys.executable, "-B", "-c", PROGRAM]
                ended = subprocess.run(program, cwd=package, capture_output=True, text=True, timeout=60)
                self.assertEqual(ended.returncode, 0, ended.stderr)
