"""A backup made in each language is recovered in every other.

    matrix.py [NAME:COUNT WORD…]…

So many words are a relay: a command that `make` or `recover` and their options are added to. `relay.py` is Python's, and
says what they are. The `twoshare` command is one of the party by itself; and it looks at what every device has, since
their directories are of one form.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from custodian import Custodian, answer, program  # noqa: E402

PASSWORD = "orbit-velvet-93-lantern"


@dataclass
class Device:
    """A directory that plays a phone, of whatever language."""

    custodian: Custodian
    token: Path
    password: Path
    folder: Path


@dataclass
class Relay:
    """A language, which speaks by a program of its own."""

    name: str
    command: list[str]

    def make(self, device: Device) -> dict:
        return self._run("make", device)

    def recover(self, device: Device, wallet: str) -> dict:
        return self._run("recover", device, "--wallet", wallet)

    def _run(self, task: str, device: Device, *more: str) -> dict:
        options = {
            "--custodian": device.custodian.url,
            "--custodian-key": device.custodian.identity,
            "--token-file": str(device.token),
            "--device": str(device.folder),
            "--password-file": str(device.password),
        }
        words = [word for option in options.items() for word in option]
        command = [*self.command, task, *words, *more]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if ended.returncode != 0:
            raise SystemExit(f"{self.name}: {task} ended with {ended.returncode}: {ended.stderr}")
        return json.loads(ended.stdout)


class Command:
    """The `twoshare` command."""

    name = "command"

    def make(self, device: Device) -> dict:
        self._login(device)
        self._run(device, "wallet", "create", "--curve", "secp256k1,ed25519")
        password = ["--method", "password", "--password-file", str(device.password)]
        self._run(device, "backup", *password, "--store", "custodian")
        return self._shown(device)

    def recover(self, device: Device, wallet: str) -> dict:
        self._login(device)
        password = ["--method", "password", "--password-file", str(device.password)]
        self._run(device, "recover", "--wallet", wallet, *password)
        return self._shown(device)

    def resumed(self, device: Device, wallet: str) -> str:
        """What the device hears of its wallet when its app starts."""
        self._login(device)
        return self._run(device, "resume", "--wallet", wallet)["outcome"]

    def _login(self, device: Device) -> None:
        custodian = ["--custodian", device.custodian.url]
        custodian += ["--custodian-key", device.custodian.identity]
        self._run(device, "login", *custodian, "--token-file", str(device.token))

    def _shown(self, device: Device) -> dict:
        shown = self._run(device, "wallet", "show")
        keys = [key["public_key"] for key in shown["keys"]]
        return {"wallet": shown["wallet"], "check_code": shown["check_code"], "keys": keys}

    def _run(self, device: Device, *words: str) -> dict:
        return answer(program("twoshare"), "--device", str(device.folder), *words)


def main(words: list[str]) -> int:
    command = Command()
    everybody = [command]
    while words:
        name, _, count = words[0].partition(":")
        everybody.append(Relay(name, words[1 : 1 + int(count)]))
        words = words[1 + int(count) :]
    # Beside the programs: the folder is theirs to see, also where they run in a system of their own.
    folder = Path(os.environ["TWOSHARE_BIN_DIR"]) / "matrix"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    custodian = Custodian()
    try:
        return pairs(everybody, command, custodian, folder)
    finally:
        custodian.close()
        shutil.rmtree(folder)


def pairs(everybody: list, command: Command, custodian: Custodian, folder: Path) -> int:
    password = folder / "password"
    password.write_text(PASSWORD)
    done = 0
    for maker in everybody:
        for finder in everybody:
            started = time.monotonic()
            pair = f"{maker.name}-{finder.name}"
            token = folder / f"{pair}.token"
            token.write_text(custodian.token(pair))
            lost, found = (
                Device(custodian, token, password, folder / f"{pair}.{which}")
                for which in ("lost", "found")
            )
            made = maker.make(lost)
            if len(made["keys"]) != 2:
                raise SystemExit(f"{pair}: two keys were to be made: {made}")
            check(f"{pair}: the first device", command.resumed(lost, made["wallet"]), "nothing")
            recovered = finder.recover(found, made["wallet"])
            check(f"{pair}: recovered", recovered, made)
            check(f"{pair}: the lost device", command.resumed(lost, made["wallet"]), "revoked")
            check(f"{pair}: the new device", command.resumed(found, made["wallet"]), "nothing")
            done += 1
            took = time.monotonic() - started
            print(f"made by {maker.name}, recovered by {finder.name}: {took:.1f} s", flush=True)
    if done < 4:
        raise SystemExit("there was nobody to compare with")
    print(f"{done} pairs")
    return 0


def check(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {found}, and not {expected}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
