package io.twoshare

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A wallet's life, from its first key to the last. */
class LifeTest {
    @Test
    fun `create, back up, drill, lose the phone, recover`() = test {
        val user = User()
        val code = RecoveryCode.make("on paper")
        val typed = code.toText()
        val lost = user.client()
        val wallet = lost.createWallet(BOTH_CURVES, "savings")
        assertEquals(WalletKind.MPC, wallet.kind())
        assertEquals("savings", wallet.name())
        assertEquals(BOTH_CURVES, wallet.verifyingKeys().map { it.curve })
        assertEquals(listOf(33, 32), wallet.verifyingKeys().map { it.bytes.size })
        assertNull(wallet.backup())
        assertEquals(Recoverable.NO, lost.status(wallet.id()).recoverable)

        val methods = listOf(Method.password(PASSWORD, "in my head"), Method.recoveryCode(code))
        val backup = lost.backup(wallet.id(), methods)
        assertEquals(wallet.id(), backup.envelope.wallet)
        assertEquals(emptyList<StoreId>(), backup.missing)
        val status = lost.status(wallet.id())
        assertEquals(OnDevice.Here, status.onDevice)
        assertEquals(Recoverable.YES, status.recoverable)
        assertEquals(listOf(BackupState.Complete, BackupState.Complete), status.keys.map { it.backup })
        assertEquals(
            listOf(SlotKind.Password to "in my head", SlotKind.RecoveryCode to "on paper"),
            status.methods.map { it.kind to it.label },
        )
        assertTrue(status.asked is Asked.At)

        val drill = lost.drill(wallet.id(), methods.first())
        assertEquals(Level.MATCHES, drill.level)
        assertEquals(backup.envelope.epoch, drill.epoch)
        assertEquals(Level.PRESENT, lost.drill(wallet.id(), null).level)

        // A new phone knows the user and what they have in their head, or on paper.
        val next = user.client(pinned = null)
        assertEquals(listOf(wallet.id()), next.wallets())
        val method = Method.recoveryCode(RecoveryCode.fromText(typed.lowercase().replace("-", " ")))
        val recovered = next.recover(wallet.id(), Recovery(method)) as Recovered.Done
        assertEquals(wallet.keys, recovered.wallet.keys)
        assertEquals(wallet.checkCode(), recovered.wallet.checkCode())
        assertEquals("savings", recovered.wallet.name())

        // The lost one is revoked, and says so.
        assertEquals(Resumed.Revoked, lost.resume(wallet.id()))
        assertEquals(OnDevice.Revoked, lost.status(wallet.id()).onDevice)
        lost.forget(wallet.id())
        assertEquals(emptyList<WalletId>(), lost.walletsHere())

        // With the other method too, and under the check code.
        val third = user.client()
        val vouched = Recovery(Method.password(PASSWORD), VouchedBy.CheckCode(CheckCode.parse(wallet.checkCode().text)))
        assertTrue(third.recover(wallet.id(), vouched) is Recovered.Done)
    }

    @Test
    fun `refresh, and change the methods`() = test {
        val client = User().client()
        val wallet = client.backedUp()
        val password = Method.password(PASSWORD)
        val first = client.wallet(wallet).use { it.backup() }!!.envelope
        val refreshed = client.refresh(wallet, password).envelope
        assertTrue(refreshed.epoch > first.epoch)
        assertNotEquals(first.digest, refreshed.digest)

        val other = Method.password(OTHER_PASSWORD, "other")
        client.changeMethods(wallet, password, listOf(MethodChange.Add(other)))
        val slots = client.status(wallet).methods
        assertEquals(listOf("", "other"), slots.map { it.label })
        client.changeMethods(wallet, other, listOf(MethodChange.Remove(slots.first().slot)))
        assertEquals(listOf("other"), client.status(wallet).methods.map { it.label })
        val wrong = fails<DrillException.Open> { client.drill(wallet, password) }.source
        assertEquals(SlotKind.Password, ((wrong as OpenBackupException.Open).source as OpenException.WrongSecret).kind)
        assertEquals(Level.MATCHES, client.drill(wallet, other).level)

        val code = Method.recoveryCode(RecoveryCode.make())
        client.changeMethods(wallet, other, listOf(MethodChange.Replace(slots.last().slot, code)))
        assertEquals(listOf(SlotKind.RecoveryCode), client.status(wallet).methods.map { it.kind })
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `replace what nobody can open any more`() = test {
        val client = User().client()
        val wallet = client.backedUp()
        client.replace(wallet, listOf(Method.password(OTHER_PASSWORD)))
        assertTrue(client.status(wallet).contested!!.left > 0UL)
        assertEquals(Level.MATCHES, client.drill(wallet, Method.password(OTHER_PASSWORD)).level)
    }

    @Test
    fun `eject inside the operator's window`() = test {
        val user = User()
        val client = user.client()
        val wallet = client.backedUp()
        val password = Method.password(PASSWORD)
        val closed = fails<EjectException.Refused> { client.eject(wallet, password) }.source
        assertTrue((closed as CustodianEjectException.Refused).source is ReleaseRefusal.WindowClosed)

        user.custodian.operator("eject-window", "--user", user.name, "--wallet", wallet.text)
        val keys = (client.eject(wallet, password) as Ejected.Done).keys
        assertEquals(BOTH_CURVES, keys.map { it.curve() })
        assertEquals(client.wallet(wallet).keys, keys.map { it.verifyingKey().hex })
        assertEquals(listOf(32, 32), keys.map { it.exposeSecret().size })
        for (key in keys) assertEquals(key.exposeHex(), key.exposeSecret().joinToString("") { "%02x".format(it) })
        assertTrue(client.status(wallet).hazards.any { it is Hazard.Ejected })
    }

    @Test
    fun `a wallet of secrets comes back byte for byte`() = test {
        val user = User()
        val phone = user.client()
        val key = ByteArray(32) { (it + 1).toByte() }
        val seed = ByteArray(32) { (7 * it).toByte() }
        val words = List(11) { "abandon" }.plus("about").joinToString(" ")
        val imports =
            listOf(
                Import.Key(SigningKey.fromBytes(key)),
                Import.Secret(WalletSecret(SecretKind.ED25519_SEED, "signer", seed)),
                Import.Secret(WalletSecret(SecretKind.MNEMONIC, "words", words.toByteArray())),
                Import.Secret(WalletSecret(SecretKind.KEYSTORE, "keystore", ByteArray(1000) { 5 })),
            )
        val wallet = phone.importWallet(imports, "old")
        assertEquals(WalletKind.SINGLE_KEY, wallet.kind())
        phone.backup(wallet.id(), listOf(Method.password(PASSWORD)))

        val next = user.client()
        val recovered = next.recover(wallet.id(), Recovery(Method.password(PASSWORD))) as Recovered.Done
        assertEquals(wallet.keys, recovered.wallet.keys)
        assertTrue(next.status(wallet.id()).hazards.contains(Hazard.LostDeviceKnowsKey))
        for (exported in listOf(wallet.export(), recovered.wallet.export())) {
            assertEquals(key.asList(), (exported.first() as Exported.Key).key.exposeSecret().asList())
        }
    }

    @Test
    fun `a single key becomes an MPC wallet`() = test {
        val user = User()
        val client = user.client()
        val wallet = client.importWallet(listOf(Import.Key(SigningKey.fromBytes(ByteArray(32) { 9 }))))
        client.backup(wallet.id(), listOf(Method.password(PASSWORD)))
        val converted = client.convert(wallet.id(), Method.password(PASSWORD)) as Converted.Done
        assertEquals(WalletKind.MPC, converted.wallet.kind())
        assertEquals(wallet.keys, converted.wallet.keys)
        assertEquals(wallet.checkCode(), converted.wallet.checkCode())
        assertFalse(client.status(wallet.id()).hazards.isEmpty())
    }
}
