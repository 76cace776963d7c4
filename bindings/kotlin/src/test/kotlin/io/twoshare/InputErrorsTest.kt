package io.twoshare

import java.io.File
import org.junit.jupiter.api.Test

/** What is said of bytes and files that are damaged, of somebody else's, or too large. */
class InputErrorsTest {
    private val user = User()
    private val code = makeCode()
    private val cases = Cases()

    private fun case(variant: String, text: String, call: suspend () -> Any?) = cases.add(variant, text, call)

    @Test
    fun `bytes that are no envelope`() = test {
        val client = user.client()
        val wallet = client.backedUp(code)
        val name = checkNotNull(client.wallet(wallet).backup()).envelope
        val bytes = client.stores().read(name).toBytes()
        fun parse(variant: String, text: String, bytes: ByteArray) =
            case("ParseException.$variant", text) { Envelope.fromBytes(bytes) }
        parse("Truncated", "the envelope is cut off", ByteArray(0))
        parse("NotAnEnvelope", "not a twoshare envelope", "a letter".toByteArray())
        parse("Truncated", "the envelope is cut off", bytes.copyOf(bytes.size - 1))
        parse("TrailingBytes(count=1)", "1 bytes follow the envelope", bytes + 0)
        parse("Malformed", "the envelope is damaged", bytes.clone().apply { fill(-1, size / 2) })
        parse(
            "TooLarge(len=9437184, cap=8388608)",
            "9437184 bytes are more than the 8388608 of the longest envelope",
            ByteArray(9 shl 20),
        )
        cases.check()
    }

    @Test
    fun `shares that are none`() = test {
        val client = user.client()
        val share = client.createWallet(BOTH_CURVES).signingShares().first()
        fun read(variant: String, text: String, bytes: ByteArray) =
            case("ShareException.$variant", text) { ClientShare.fromBytes(bytes) }
        fun at(index: Int, value: Int) = share.toBytes().apply { this[index] = value.toByte() }
        val size = share.toBytes().size
        read("Malformed", "not the encoding of a share", ByteArray(0))
        read(
            "NewerVersion(found=2, supported=1)",
            "version 2 of the encoding is newer than 1, the newest known here",
            at(1, 2),
        )
        read(
            "RoleMismatch(expected=CLIENT, found=CUSTODIAN)",
            "a share of the client was expected, not of the custodian",
            at(2, 2),
        )
        read(
            "OutOfRange",
            "the value is not below the order of the group",
            share.toBytes().apply { fill(-1, size - 32) },
        )
        read(
            "NotCommitted",
            "the value is not the one that the commitment is to",
            share.toBytes().apply { this[size - 1] = (this[size - 1] + 1).toByte() },
        )
        case(
            "ShareException.Length(expected=32, found=31)",
            "a value of 32 bytes was expected, not 31",
        ) { ClientShare(share.id(), CurveId.SECP256K1, share.commitment(), ByteArray(31)) }
        case(
            "ShareException.Commitment(source=CommitmentException.Length(expected=64, found=66))",
            "the commitment of the share is refused: a commitment of 64 bytes was expected, not 66",
        ) { ClientShare(share.id(), CurveId.ED25519, share.commitment(), share.exposeSecret()) }
        case(
            "ShareException.Commitment(source=CommitmentException.Key(source=PointException.NotOnCurve))",
            "the commitment of the share is refused: the public key in the commitment is refused: " +
                "the point is not on the curve",
        ) {
            val mixed = share.commitment().apply { fill(0, 1) }
            ClientShare(share.id(), CurveId.SECP256K1, mixed, share.exposeSecret())
        }
        cases.check()
    }

    @Test
    fun `attachments, passwords and policies`() = test {
        case(
            "AttachmentException.Name(found=0)",
            "a name of 0 bytes, where 1 to 128 were expected",
        ) { Attachment.durable("", ByteArray(1)) }
        case(
            "AttachmentException.Name(found=1000)",
            "a name of 1000 bytes, where 1 to 128 were expected",
        ) { Attachment.perDevice("n".repeat(1000)) }
        case(
            "AttachmentException.TooLarge(found=2097152)",
            "an attachment of 2097152 bytes, where 1048576 are the limit",
        ) { Attachment.durable("big", ByteArray(2 shl 20)) }
        val policy = PasswordPolicy().atLeastCharacters(30u)
        case(
            "PasswordException.TooShort(found=23, min=30)",
            "the password has 23 characters, fewer than 30",
        ) { policy.check(PASSWORD) }
        case(
            "PasswordException.TooWeak(score=0, min=3, warning=null)",
            "the password is too easy to guess: strength 0 of 4, at least 3 is needed",
        ) { PasswordPolicy().forbidding(listOf("alicesmith")).check("alicesmith") }
        cases.check()
    }

    @Test
    fun `a device's directory that was meddled with`() = test {
        val folder = temporary("meddled")
        suspend fun device(name: String, password: String? = null): Pair<String, WalletId> {
            val path = File(folder, name).path
            val wallet =
                FileDevice.open(path, password).use { kept ->
                    user.client(Device.File(kept)).use { it.createWallet(listOf(CurveId.ED25519)).id() }
                }
            return path to wallet
        }
        fun files(path: String) = File(path).walk().filter { it.isFile }.toList()
        fun meddle(file: File) = file.writeBytes(file.readBytes().apply { this[size / 2] = (this[size / 2] + 1).toByte() })
        val (record, wallet) = device("record")
        meddle(files(record).single { it.extension == "wallet" })
        val kept = FileDevice.open(record)
        val client = user.client(Device.File(kept))
        case(
            "DeviceException.Load(source=LoadException.Damaged)",
            "the device's record was not loaded: the device's record of the wallet is damaged",
        ) { client.wallet(wallet) }
        case(
            "BackupException.Device(source=DeviceException.Load(source=LoadException.Damaged))",
            "the device's record was not loaded: the device's record of the wallet is damaged",
        ) { client.backup(wallet, listOf(code)) }
        val (locked, _) = device("locked", PASSWORD)
        meddle(File(locked, "device.key"))
        case(
            "OpenDeviceException.Damaged(path=$locked)",
            "the key of the device in $locked is damaged or missing",
        ) { FileDevice.open(locked, PASSWORD) }
        val (lost, _) = device("lost", PASSWORD)
        check(File(lost, "device.key").delete())
        case(
            "OpenDeviceException.Damaged(path=$lost)",
            "the key of the device in $lost is damaged or missing",
        ) { FileDevice.open(lost, PASSWORD) }
        case(
            "OpenDeviceException.Password(source=PasswordException.Empty)",
            "the password is refused: the password is empty",
        ) { FileDevice.open(File(folder, "new").path, "") }
        case(
            "PasswordChangeException.Password(source=PasswordException.Characters)",
            "the password is refused: the password has characters that cannot be used",
        ) { kept.setPassword("tab\tbed") }
        cases.check()
        kept.close()
    }

    @Test
    fun `a directory of envelopes that was meddled with`() = test {
        val folder = temporary("envelopes")
        val store = DirectoryStore.create(folder.path)
        val place = NamedPlace(StoreId.parse("dir:${folder.path}"), Place.Directory(store, Operator.USER))
        val client = user.client(stores = listOf(place))
        val wallet = client.backedUp(code)
        val health = store.health()
        check(health.all { it.verdict == Verdict.INTACT && it.copies.size == 3 })
        val envelope = health.first { objectPart(it.name) == Part.ENVELOPE }.name
        fun copies() = folder.walk().filter { it.isFile && it.name.startsWith(envelope.text) }.toList()
        check(copies().size == 3)
        copies().first().writeBytes(ByteArray(10))
        check(store.repair(envelope).verdict == Verdict.REPAIRABLE)
        check(store.health().all { it.verdict == Verdict.INTACT })
        copies().forEach { it.writeBytes(ByteArray(10)) }
        check(store.health().single { it.name.text == envelope.text }.verdict == Verdict.LOST)
        case("RepairException.Damaged", "all copies are damaged") { store.repair(envelope) }
        case(
            "DrillException.Open(source=OpenBackupException.NotFound(stores=[dir:${folder.path}: " +
                "FetchException.Get(source=GetException.Damaged)]))",
            "no store has the backup's envelope intact",
        ) { client.drill(wallet, code) }
        cases.check()
        copies().forEach { it.delete() }
        val gone = Cases()
        gone.add("RepairException.NotFound", "no such object") { store.repair(envelope) }
        gone.check()
    }
}
