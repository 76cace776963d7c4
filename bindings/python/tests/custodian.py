"""The real custodian, as a process: started, killed, started again, and told what its operator wants."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path


def program(name: str) -> str:
    """One of the commands, as the code is now: `cargo xtask python` has built them."""
    folder = os.environ.get("TWOSHARE_BIN_DIR")
    if not folder:
        raise RuntimeError("TWOSHARE_BIN_DIR is not set: run the tests with `cargo xtask python`")
    return str(Path(folder) / name)


def answer(*command: str, code: int = 0) -> dict:
    """What a command with `--json` prints, which ends with this exit code."""
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=120)
    if ended.returncode != code:
        raise RuntimeError(f"{command} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return json.loads(ended.stdout)


class Custodian:
    """A custodian over a directory of its own, which goes with it."""

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="twoshare-")
        self.folder = Path(self._folder.name)
        self._data = str(self.folder / "custodian")
        self._options = options
        self._listen = "127.0.0.1:0"
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self, *more: str) -> None:
        """Starts it where it was."""
        serve = ["serve", "--data", self._data, "--listen", self._listen]
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [program("twoshare-custodian"), *serve, *self._options, *more],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the custodian did not start: " + (self.folder / "log").read_text())
        ready = json.loads(line)
        self.url: str = ready["listening"]
        self.identity: str = ready["identity"]
        self._listen = self.url.removeprefix("http://")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        if self.is_running:
            self.kill()
        self._folder.cleanup()

    def operate(self, *command: str) -> dict:
        """What its operator does, in its directory."""
        return answer(program("twoshare-custodian"), *command, "--data", self._data)

    def token(self, user: str) -> str:
        """A session of this user, as the app's backend would ask for it."""
        return self.operate("session", "--user", user)["token"]

    def open_window(self, user: str, wallet: str) -> None:
        self.operate("eject-window", "--user", user, "--wallet", wallet)
