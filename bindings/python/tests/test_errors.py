"""Every operation's errors: the variant, what is in it, and its text."""

import twoshare
from custodian import Custodian
from support import BOTH_CURVES, OTHER_PASSWORD, PASSWORD, Case, Tokens, memory
from twoshare import CurveId, Import, Method, MethodChange, Outage, Recovery

NOBODY = "7ZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-Z"


class Refused(Case):
    def assert_error(self, error: Exception, text: str, *kinds: type, **fields) -> None:
        """The error and its sources are of these variants; the last has these fields."""
        self.assertEqual(str(error), text)
        self.assertEqual(error.text(), text)
        *outer, last = kinds
        for kind in outer:
            self.assertIs(type(error), kind)
            error = error.source
        self.assertIs(type(error), last)
        self.assertEqual(vars(error), fields)

    async def backed_up(self, client: twoshare.Client) -> twoshare.Wallet:
        wallet = await client.create_wallet([CurveId.ED25519])
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        return wallet

    async def test_texts_that_are_none(self):
        for parse, text, kind, fields in [
            (twoshare.parse_wallet_id, "nobody's", twoshare.IdError.Malformed, {}),
            (twoshare.parse_slot_id, "", twoshare.SlotIdError.Malformed, {}),
            (twoshare.parse_store_id, "https://u:p@host", twoshare.StoreIdError.Credentials, {}),
            (twoshare.parse_digest, "00", twoshare.DigestError.Malformed, {}),
            (twoshare.parse_check_code, "AAAA", twoshare.CheckCodeError.Length, {"found": 4}),
        ]:
            with self.subTest(parse.__name__):
                with self.assertRaises(kind) as refused:
                    parse(text)
                self.assertIs(type(refused.exception), kind)
                self.assertEqual(vars(refused.exception), fields)
        identity = self.custodian.identity
        self.assertEqual(twoshare.parse_custodian_identity(identity), identity)
        other = "B" if identity[5] == "A" else "A"
        with self.assertRaises(twoshare.IdentityError):
            twoshare.parse_custodian_identity(identity[:5] + other + identity[6:])

    async def test_what_the_user_entered(self):
        with self.assertRaises(twoshare.PasswordError.Empty):
            Method.password("")
        with self.assertRaises(twoshare.CodeError.Length) as refused:
            twoshare.RecoveryCode.from_text("ABCDE")
        self.assertEqual(refused.exception.found, 5)
        code = twoshare.RecoveryCode.make().to_text()
        swapped = code[:2] + code[3] + code[2] + code[4:]
        if swapped == code:  # The two were alike.
            swapped = ("2" if code[0] == "3" else "3") + code[1:]
        with self.assertRaises(twoshare.CodeError.Mistyped) as refused:
            twoshare.RecoveryCode.from_text(swapped)
        self.assertEqual(refused.exception.group, 1)

    async def test_addresses(self):
        for url, kind in [
            ("http://custodian.example", twoshare.UrlError.Plain),
            ("ftp://custodian.example", twoshare.UrlError.Malformed),
            ("", twoshare.UrlError.Malformed),
        ]:
            config = twoshare.HttpConfig(
                url=url, transport=twoshare.StandardTransport(), tokens=Tokens("t")
            )
            with self.subTest(url), self.assertRaises(kind):
                twoshare.HttpCustodian(config)

    async def test_a_wallet_that_is_not_here(self):
        elsewhere = (await self.client().create_wallet([CurveId.ED25519])).id()
        with self.assertRaises(twoshare.DeviceError) as refused:
            await self.client().wallet(elsewhere)
        text = f"the wallet {elsewhere} is not on this device"
        self.assert_error(refused.exception, text, twoshare.DeviceError.NotHere, wallet=elsewhere)

    async def test_a_wallet_without_a_backup(self):
        client = self.client()
        wallet = (await client.create_wallet([CurveId.ED25519])).id()
        kinds = [twoshare.OpenBackupError.NotBackedUp]
        text = f"the wallet {wallet} has no backup"
        for kind, call in [
            (twoshare.DrillError.Open, client.drill(wallet, Method.password(PASSWORD))),
            (twoshare.RefreshError.Open, client.refresh(wallet, Method.password(PASSWORD))),
            (twoshare.EjectError.Open, client.eject(wallet, Method.password(PASSWORD))),
            (
                twoshare.RecoverError.Open,
                self.client().recover(wallet, Recovery(method=Method.password(PASSWORD))),
            ),
        ]:
            with self.subTest(kind.__qualname__):
                with self.assertRaises(kind) as refused:
                    await call
                self.assert_error(refused.exception, text, kind, *kinds, wallet=wallet)

    async def test_a_wrong_password(self):
        wallet = await self.backed_up(self.client())
        with self.assertRaises(twoshare.RecoverError.Open) as refused:
            await self.recovered(self.client(), wallet.id(), OTHER_PASSWORD)
        error = refused.exception
        self.assertIs(type(error.source), twoshare.OpenBackupError.Open)
        self.assertIs(type(error.source.source), twoshare.OpenError.WrongSecret)
        self.assertTrue(str(error).startswith("the backup did not open with this method: "), error)

    async def test_another_device_has_recovered(self):
        client = self.client()
        wallet = await self.backed_up(client)
        await self.recovered(self.client(), wallet.id())
        with self.assertRaises(twoshare.BackupError) as refused:
            await client.replace(wallet.id(), [Method.password(OTHER_PASSWORD)])
        self.assert_error(
            refused.exception,
            f"another device has recovered or converted the wallet {wallet.id()}",
            twoshare.BackupError.Device,
            twoshare.DeviceError.Revoked,
            wallet=wallet.id(),
        )

    async def test_methods_that_cannot_be(self):
        client = self.client()
        wallet = (await client.create_wallet([CurveId.ED25519])).id()
        with self.assertRaises(twoshare.BackupError.Methods) as refused:
            await client.backup(wallet, [Method.password("password")])
        methods = refused.exception.source
        self.assertIs(type(methods), twoshare.MethodsError.Slot)
        with self.assertRaises(twoshare.BackupError.Run) as refused:
            await client.backup(wallet, [])
        self.assertEqual(str(refused.exception), "the envelope cannot be sealed: there are no slots")

        await client.backup(wallet, [Method.password(PASSWORD)])
        slot = (await client.status(wallet)).methods[0].slot
        missing = ("0" if slot[0] != "0" else "1") + slot[1:]
        with self.assertRaises(twoshare.RefreshError) as refused:
            await client.change_methods(
                wallet, Method.password(PASSWORD), [MethodChange.REMOVE(slot=missing)]
            )
        self.assert_error(
            refused.exception,
            f"there is no method {missing}",
            twoshare.RefreshError.Methods,
            twoshare.MethodsError.NoSuchSlot,
            slot=missing,
        )

    async def test_imports_that_cannot_be(self):
        client = self.client()
        with self.assertRaises(twoshare.ImportError) as refused:
            await client.import_wallet([])
        self.assert_error(refused.exception, "there is nothing to import", twoshare.ImportError.Empty)
        key = Import.KEY(key=twoshare.SigningKey.make())
        with self.assertRaises(twoshare.ImportError) as refused:
            await client.import_wallet([key] * 17)
        self.assert_error(
            refused.exception,
            "17 keys and secrets are more than a wallet's 16",
            twoshare.ImportError.TooMany,
            count=17,
            cap=16,
        )

    async def test_the_wrong_custodian(self):
        other = Custodian()
        self.addCleanup(other.close)
        pinned_to_another = self.client(pinned=other.identity)
        with self.assertRaises(twoshare.CreateError):
            await pinned_to_another.create_wallet([CurveId.ED25519])
        wallet = await self.backed_up(self.client())
        with self.assertRaises(twoshare.RecoverError.Open) as refused:
            await self.recovered(pinned_to_another, wallet.id())
        error = refused.exception
        self.assertIs(type(error.source), twoshare.OpenBackupError.State)
        self.assertIs(type(error.source.source), twoshare.StateError.WrongCustodian)

    async def test_without_a_pinned_custodian_no_wallet_is_made(self):
        with self.assertRaises(twoshare.CreateError) as refused:
            await self.client(memory(), pinned=None).create_wallet(BOTH_CURVES)
        self.assert_error(
            refused.exception,
            "the custodian's identity is not known: pin it",
            twoshare.CreateError.State,
            twoshare.StateError.Unpinned,
        )

    async def test_a_token_that_is_refused(self):
        client = self.client(http=self.http(tokens=Tokens("not-a-session")))
        with self.assertRaises(twoshare.StateError.Read) as refused:
            await client.wallets()
        read = refused.exception.source
        self.assertIs(type(read), twoshare.ReadError.Unavailable)
        self.assertEqual(read.outage, Outage.NOT_SIGNED_IN)

    async def test_a_custodian_that_is_not_there(self):
        gone = Custodian()
        config = twoshare.HttpConfig(
            url=gone.url,
            transport=twoshare.StandardTransport(),
            tokens=Tokens(gone.token(self.user)),
            retry=twoshare.Retry(
                **{**vars(self.once_more()), "attempts": 1},
            ),
        )
        gone.close()
        client = self.client(http=twoshare.HttpCustodian(config), pinned=gone.identity)
        with self.assertRaises(twoshare.StateError.Read) as refused:
            await client.wallets()
        read = refused.exception.source
        self.assertIs(type(read), twoshare.ReadError.Unavailable)
        self.assertEqual((read.outage, read.retry_after), (Outage.UNREACHABLE, None))

    @staticmethod
    def once_more() -> twoshare.Retry:
        from support import ONCE_MORE

        return ONCE_MORE

    async def test_a_conversion_that_is_not_possible(self):
        client = self.client()
        mpc = await self.backed_up(client)
        with self.assertRaises(twoshare.ConvertError.AlreadyMpc) as refused:
            await client.convert(mpc.id(), Method.password(PASSWORD))
        self.assertEqual(str(refused.exception), "the wallet is an MPC wallet already")

        secret = twoshare.WalletSecret(twoshare.SecretKind.ED25519_SEED, "cold", bytes(range(32)))
        seed = Import.SECRET(secret=secret)
        seeded = await client.import_wallet([seed])
        await client.backup(seeded.id(), [Method.password(PASSWORD)])
        with self.assertRaises(twoshare.ConvertError.SealedSecrets) as refused:
            await client.convert(seeded.id(), Method.password(PASSWORD))
        [sealed] = refused.exception.sealed
        what = (sealed.index, sealed.kind, sealed.label)
        self.assertEqual(what, (0, twoshare.SecretKind.ED25519_SEED, "cold"))

    async def test_a_frozen_wallet_stands_still(self):
        client = self.client()
        wallet = await self.backed_up(client)
        self.custodian.operate("freeze", "--user", self.user, "--wallet", wallet.id())
        with self.assertRaises(twoshare.RefreshError.Run) as refused:
            await client.refresh(wallet.id(), Method.password(PASSWORD))
        exchange = refused.exception.source
        self.assertIs(type(exchange), twoshare.RunError.Exchange)
        self.assertIn("frozen", str(refused.exception))
        self.assertTrue((await client.status(wallet.id())).frozen.operator)
        self.custodian.operate("unfreeze", "--user", self.user, "--wallet", wallet.id())
        await client.refresh(wallet.id(), Method.password(PASSWORD))
