"""One wallet, made or recovered on a device that is a directory, for the tests that go from language to language.

    relay.py make|recover --custodian URL --custodian-key KEY --token-file F --device DIR --password-file P [--wallet ID]
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import twoshare  # noqa: E402
from twoshare import CurveId, Device, Method  # noqa: E402


class Tokens(twoshare.TokenProvider):
    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self, refused: str | None) -> str:
        return self._file.read_text().strip()


def shown(wallet: twoshare.Wallet) -> dict:
    keys = [key.bytes.hex() for key in wallet.verifying_keys()]
    return {"wallet": wallet.id(), "check_code": wallet.check_code(), "keys": keys}


async def relay(given: argparse.Namespace) -> dict:
    http = twoshare.HttpConfig(
        url=given.custodian,
        transport=twoshare.StandardTransport(),
        tokens=Tokens(given.token_file),
    )
    custodian = twoshare.HttpCustodian(http)
    client = twoshare.Client(
        twoshare.ClientConfig(
            custodian=custodian,
            pinned=twoshare.parse_custodian_identity(given.custodian_key),
            user=(await custodian.user()).user,
            device=Device.FILE(await twoshare.FileDevice.open(str(given.device))),
        )
    )

    method = Method.password(given.password_file.read_text().removesuffix("\n"))
    match given.task:
        case "make":
            wallet = await client.create_wallet([CurveId.SECP256K1, CurveId.ED25519])
            await client.backup(wallet.id(), [method])
            return shown(await client.wallet(wallet.id()))
        case "recover":
            recovered = await client.recover(given.wallet, twoshare.Recovery(method=method))
            return shown(recovered.wallet)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["make", "recover"])
    parser.add_argument("--custodian", required=True)
    parser.add_argument("--custodian-key", required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--device", type=Path, required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--wallet")
    try:
        print(json.dumps(asyncio.run(relay(parser.parse_args()))))
    except Exception as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
