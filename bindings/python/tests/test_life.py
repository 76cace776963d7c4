"""The whole life of a wallet."""

import tempfile

import twoshare
from support import BOTH_CURVES, OTHER_PASSWORD, PASSWORD, Case, Steps, memory
from twoshare import (
    Device,
    Ejected,
    Exported,
    FileDevice,
    Import,
    Level,
    Method,
    MethodChange,
    OnDevice,
    RecoveryCode,
    Resumed,
    SecretKind,
    SigningKey,
    Step,
    WalletKind,
    WalletSecret,
)


class Life(Case):
    async def test_an_mpc_wallet_comes_back_and_its_lost_device_can_do_nothing(self):
        lost = self.client()
        wallet = await lost.create_wallet(BOTH_CURVES, name="Savings")
        self.assertEqual(wallet.kind(), WalletKind.MPC)
        self.assertEqual([key.curve for key in wallet.verifying_keys()], BOTH_CURVES)
        self.assertIsNone(wallet.backup())

        code = RecoveryCode.make()
        backup = await lost.backup(wallet.id(), [Method.password(PASSWORD), Method.recovery_code(code)])
        self.assertEqual((backup.envelope.epoch, backup.missing), (1, []))
        drill = await lost.drill(wallet.id(), Method.password(PASSWORD))
        self.assertEqual((drill.level, drill.epoch), (Level.MATCHES, 1))

        client = self.client()
        self.assertEqual(await client.wallets_here(), [])
        self.assertEqual(await client.wallets(), [wallet.id()])
        typed = RecoveryCode.from_text(code.to_text().lower().replace("-", " "))
        recovery = twoshare.Recovery(method=Method.recovery_code(typed))
        recovered = await client.recover(wallet.id(), recovery)
        self.assertIsInstance(recovered, twoshare.Recovered.DONE)
        self.assert_same(recovered.wallet, wallet)
        self.assertEqual(recovered.wallet.name(), "Savings")

        self.assertIsInstance(await lost.resume(wallet.id()), Resumed.REVOKED)
        with self.assertRaises(twoshare.RefreshError.Device) as refused:
            await lost.refresh(wallet.id(), Method.password(PASSWORD))
        self.assertIsInstance(refused.exception.source, twoshare.DeviceError.Revoked)
        self.assertIsInstance((await lost.status(wallet.id())).on_device, OnDevice.REVOKED)
        self.assertIsInstance((await client.status(wallet.id())).on_device, OnDevice.HERE)

    async def test_methods_change_and_those_that_stay_are_not_asked(self):
        client = self.client()
        wallet = await client.create_wallet(BOTH_CURVES)
        code = RecoveryCode.make(label="in the safe")
        await client.backup(wallet.id(), [Method.password(PASSWORD), Method.recovery_code(code)])
        refreshed = await client.refresh(wallet.id(), Method.recovery_code(code))
        self.assertEqual(refreshed.envelope.epoch, 2)

        methods = (await client.status(wallet.id())).methods
        self.assertEqual([method.label for method in methods], ["", "in the safe"])
        changes = [
            MethodChange.REMOVE(slot=methods[0].slot),
            MethodChange.ADD(method=Method.password(OTHER_PASSWORD)),
        ]
        changed = await client.change_methods(wallet.id(), Method.recovery_code(code), changes)
        self.assertEqual(changed.envelope.epoch, 3)

        next_client = self.client()
        with self.assertRaises(twoshare.RecoverError.Open):
            await self.recovered(next_client, wallet.id(), PASSWORD)
        self.assert_same(await self.recovered(next_client, wallet.id(), OTHER_PASSWORD), wallet)

    async def test_a_backup_is_replaced_when_every_method_is_forgotten(self):
        client = self.client()
        wallet = await client.create_wallet(BOTH_CURVES)
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        replaced = await client.replace(wallet.id(), [Method.password(OTHER_PASSWORD)])
        self.assertEqual(replaced.envelope.epoch, 2)
        status = await client.status(wallet.id())
        self.assertEqual(status.contested.restorable, 1)

    async def test_the_whole_key_is_given_inside_the_window_and_not_before(self):
        client = self.client()
        wallet = await client.create_wallet(BOTH_CURVES)
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        with self.assertRaises(twoshare.EjectError.Refused) as refused:
            await client.eject(wallet.id(), Method.password(PASSWORD))
        self.assertIn("released nothing", str(refused.exception))

        self.custodian.open_window(self.user, wallet.id())
        ejected = await client.eject(wallet.id(), Method.password(PASSWORD))
        self.assertIsInstance(ejected, Ejected.DONE)
        self.assertEqual([key.verifying_key() for key in ejected.keys], wallet.verifying_keys())
        for key in ejected.keys:
            secret = key.expose_secret()
            self.assertEqual(len(secret), 32)
            self.assertEqual(key.expose_hex(), secret.hex())

    async def test_secrets_of_ones_own_come_back_byte_for_byte(self):
        key, seed = bytes(31) + b"\x07", bytes(range(32))
        sealed = WalletSecret(SecretKind.ED25519_SEED, "", seed)
        imports = [Import.KEY(key=SigningKey.from_bytes(key)), Import.SECRET(secret=sealed)]
        lost = self.client()
        wallet = await lost.import_wallet(imports)
        self.assertEqual(wallet.kind(), WalletKind.SINGLE_KEY)
        await lost.backup(wallet.id(), [Method.password(PASSWORD)])

        found = await self.recovered(self.client(), wallet.id())
        self.assert_same(found, wallet)
        exported = await found.export()
        self.assertIsInstance(exported[0], Exported.KEY)
        self.assertEqual(exported[0].key.expose_secret(), key)
        self.assertIsInstance(exported[1], Exported.SECRET)
        self.assertEqual(exported[1].secret.expose_secret(), seed)

    async def test_a_device_in_a_directory_is_there_after_a_restart(self):
        with tempfile.TemporaryDirectory() as folder:
            device = await FileDevice.open(folder, "the device's own")
            client = self.client(Device.FILE(device))
            wallet = await client.create_wallet(BOTH_CURVES)
            await client.backup(wallet.id(), [Method.password(PASSWORD)])
            del client, device

            client = self.client(Device.FILE(await FileDevice.open(folder, "the device's own")))
            self.assertEqual(await client.wallets_here(), [wallet.id()])
            self.assert_same(await client.wallet(wallet.id()), wallet)
            self.assertIsInstance(await client.resume(wallet.id()), Resumed.NOTHING)

    async def test_steps_are_told_in_order_and_before_the_call_returns(self):
        steps = Steps()
        client = self.client().with_progress(steps)
        wallet = await client.create_wallet(BOTH_CURVES)
        self.assertEqual(steps.heard, [Step.EXCHANGE, Step.COMMIT, Step.DONE])
        steps.heard.clear()
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        self.assertEqual(
            steps.heard,
            # There was nothing to settle.
            [Step.METHODS, Step.STATE, Step.EXCHANGE, Step.STORE, Step.COMMIT, Step.TIDY, Step.DONE],
        )

    async def test_an_unpinned_device_takes_the_custodian_from_the_envelope(self):
        first = self.client()
        wallet = await first.create_wallet(BOTH_CURVES)
        await first.backup(wallet.id(), [Method.password(PASSWORD)])
        self.assert_same(await self.recovered(self.client(memory(), pinned=None), wallet.id()), wallet)
