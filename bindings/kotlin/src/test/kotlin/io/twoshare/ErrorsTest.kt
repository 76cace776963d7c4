package io.twoshare

import java.io.File
import java.time.Duration
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** What an app meets without anybody's fault but its user's and its own. */
class ErrorsTest {
    private val user = User()
    private val password = Method.password(PASSWORD)

    private val cases = Cases()

    private fun case(variant: String, text: String, call: suspend () -> Any?) = cases.add(variant, text, call)

    private fun run() = test { cases.check() }

    @Test
    fun `texts that are none`() {
        case(
            "IdException.Malformed",
            "not an id: 26 letters and digits are expected, dashes and spaces aside",
        ) { WalletId.parse("no wallet") }
        case(
            "IdException.Malformed",
            "not an id: 26 letters and digits are expected, dashes and spaces aside",
        ) { OperationId.parse("") }
        case(
            "SlotIdException.Malformed",
            "not a slot: 16 letters and digits are expected, dashes and spaces aside",
        ) { SlotId.parse("zz") }
        case(
            "StoreIdException.Form",
            "a store is named custodian, dir:PATH, https://…, s3://…, webdav://… or by a short name",
        ) { StoreId.parse("No Such Form") }
        case(
            "StoreIdException.Missing",
            "a path or an address is missing",
        ) { StoreId.parse("dir:") }
        case(
            "StoreIdException.Credentials",
            "an address of a store has no user or password in it",
        ) { StoreId.parse("https://user:pass@example.org") }
        case(
            "IdentityException.Text",
            "not a custodian's key: letters and digits are expected",
        ) { CustodianIdentity.parse("abc") }
        case(
            "IdentityException.Mistyped",
            "a character of the custodian's key is mistyped",
        ) {
            CustodianIdentity.parse(user.custodian.identity.text.reversed())
        }
        case(
            "CheckCodeException.Length(found=3)",
            "a check code has 20 characters, this has 3",
        ) { CheckCode.parse("ABC") }
        case(
            "CheckCodeException.Character(position=3)",
            "character 3 does not belong to a check code",
        ) { CheckCode.parse("AB!DE-ABCDE-ABCDE-ABCDE") }
        case(
            "DigestException.Malformed",
            "not a digest: 64 hexadecimal digits are expected",
        ) { Digest.parse("00") }
        case(
            "ObjectNameException.Malformed",
            "not the name of an envelope or receipt",
        ) { ObjectName.parse("../../etc/passwd") }
        run()
    }

    @Test
    fun `secrets that are none`() {
        case(
            "PasswordException.Empty",
            "the password is empty",
        ) { Method.password("") }
        case(
            "PasswordException.TooLong(found=2000, max=1024)",
            "the password has 2000 bytes, more than 1024",
        ) { Method.password("x".repeat(2000)) }
        case(
            "PasswordException.Characters",
            "the password has characters that cannot be used",
        ) { Method.password("tab\tbed") }
        case(
            "CodeException.Length(found=5, expected=35, group=null)",
            "the recovery code has 5 characters instead of 35",
        ) { RecoveryCode.fromText("ABCDE") }
        case(
            "CodeException.Mistyped(group=1)",
            "the recovery code is mistyped",
        ) { RecoveryCode.fromText("ABCDE-ABCDE-ABCDE-ABCDE-ABCDE-ABCDE-ABCDE") }
        case(
            "SigningKeyException.Length(expected=32, found=31)",
            "a private key of 32 bytes was expected, not 31",
        ) { SigningKey.fromBytes(ByteArray(31)) }
        case(
            "SigningKeyException.Zero",
            "the private key is zero",
        ) { SigningKey.fromBytes(ByteArray(32)) }
        case(
            "PlatformKeyException.Length(found=31)",
            "a platform key has 32 bytes, not 31",
        ) { PlatformKey.fromBytes(ByteArray(31)) }
        case(
            "WalletSecretException.Empty",
            "the secret is empty",
        ) { WalletSecret(SecretKind.OPAQUE, "", ByteArray(0)) }
        case(
            "WalletSecretException.TooLarge(found=2097152)",
            "a secret of 2097152 bytes, where 1048576 are the limit",
        ) { WalletSecret(SecretKind.OPAQUE, "", ByteArray(1 shl 21)) }
        case(
            "WalletSecretException.LabelTooLong(found=300)",
            "a label of 300 bytes, where 128 are the limit",
        ) { WalletSecret(SecretKind.OPAQUE, "l".repeat(300), ByteArray(1)) }
        case(
            "WalletSecretException.SeedLength(found=31)",
            "an Ed25519 seed has 32 bytes, not 31",
        ) { WalletSecret(SecretKind.ED25519_SEED, "", ByteArray(31)) }
        fun words(text: String) = WalletSecret(SecretKind.MNEMONIC, "", text.toByteArray())
        case(
            "WalletSecretException.Mnemonic(source=MnemonicFault.WordCount(found=2))",
            "not a BIP-39 mnemonic: 2 words, where 12, 15, 18, 21 or 24 were expected",
        ) { words("abandon abandon") }
        case(
            "WalletSecretException.Mnemonic(source=MnemonicFault.UnknownWord(position=12))",
            "not a BIP-39 mnemonic: word 12 is not a word of BIP-39",
        ) { words("abandon ".repeat(11) + "nonsense") }
        case(
            "WalletSecretException.Mnemonic(source=MnemonicFault.Checksum)",
            "not a BIP-39 mnemonic: a word is wrong: the checksum does not fit",
        ) { words("abandon ".repeat(11) + "zoo") }
        case(
            "WalletSecretException.Mnemonic(source=MnemonicFault.NotText)",
            "not a BIP-39 mnemonic: not a text",
        ) { WalletSecret(SecretKind.MNEMONIC, "", byteArrayOf(-1)) }
        run()
    }

    @Test
    fun `clients that cannot be made`() {
        fun at(url: String) = HttpCustodian(HttpConfig(url, UrlTransport(), user.tokens))
        case(
            "UrlException.Malformed",
            "not the address of a server",
        ) { at("custodian") }
        case(
            "UrlException.Plain",
            "a server is spoken to with TLS, unless it is on this machine",
        ) { at("http://custodian.example") }
        val place = NamedPlace(StoreId.parse("mine"), Place.Custodian)
        case(
            "StoresException.Twice(store=mine)",
            "the store mine is named twice",
        ) { user.client(stores = listOf(place, place)) }
        case(
            "StoresException.TooFew(needed=2, stores=1)",
            "2 stores are asked for, and there are 1",
        ) {
            Client(
                ClientConfig(
                    user.custodian(), null, user.name, Device.Memory(MemoryDevice()), listOf(place),
                    StorePolicy.AtLeast(2u),
                ),
            )
        }
        run()
    }

    @Test
    fun `devices that do not open`() = test {
        val folder = temporary("errors")
        val plain = File(folder, "plain").path
        FileDevice.open(plain).close()
        val sealed = File(folder, "sealed").path
        FileDevice.open(sealed, OTHER_PASSWORD).close()
        val keyed = File(folder, "keyed").path
        FileDevice.openWithPlatformKey(keyed, PlatformKey.make()).close()
        val used = File(folder, "used").path
        val user = FileDevice.open(used)
        val file = File(folder, "file").apply { writeText("") }.path
        val newer = File(folder, "damaged").path
        FileDevice.open(newer).close()
        case(
            "OpenDeviceException.InUse(path=$used)",
            "the device in $used is in use",
        ) { FileDevice.open(used) }
        case(
            "OpenDeviceException.PasswordNeeded",
            "the device has a password",
        ) { FileDevice.open(sealed) }
        case(
            "OpenDeviceException.WrongPassword",
            "wrong device password",
        ) { FileDevice.open(sealed, PASSWORD) }
        case(
            "OpenDeviceException.NoPassword",
            "the device has no password",
        ) { FileDevice.open(plain, PASSWORD) }
        case(
            "OpenDeviceException.PlatformKeyNeeded",
            "the device is under a key of the platform",
        ) { FileDevice.open(keyed) }
        case(
            "OpenDeviceException.NoPlatformKey",
            "the device is under no key of the platform",
        ) { FileDevice.openWithPlatformKey(plain, PlatformKey.make()) }
        case(
            "OpenDeviceException.WrongPlatformKey",
            "wrong platform key",
        ) { FileDevice.openWithPlatformKey(keyed, PlatformKey.make()) }
        case(
            "OpenDeviceException.Failed(path=$folder/file, source=SourceException.Io(code=17, reason=File exists (os error 17)))",
            "$folder/file cannot be used as a device: File exists (os error 17)",
        ) { FileDevice.open(file) }
        case(
            "DirectoryException.NotAStore(path=$folder/nowhere)",
            "there is no store in $folder/nowhere",
        ) { DirectoryStore.open(File(folder, "nowhere").path) }
        case(
            "DirectoryException.Failed(path=$folder/file, source=SourceException.Io(code=17, reason=File exists (os error 17)))",
            "$folder/file cannot be used as a directory: File exists (os error 17)",
        ) { DirectoryStore.create(file) }
        case(
            "SettingsException.TooLarge(len=68157440, cap=67108864)",
            "68157440 bytes are more than 67108864",
        ) { user.saveSettings(ByteArray(65 shl 20)) }
        cases.check()
        user.close()
    }

    @Test
    fun `wallets that are elsewhere`() = test {
        val device = Device.Memory(MemoryDevice())
        val client = user.client(device)
        val wallet = client.createWallet(BOTH_CURVES).id()
        val other = User()
        val elsewhere = User().client().backedUp()
        case(
            "DeviceException.NotHere(wallet=$elsewhere)",
            "the wallet $elsewhere is not on this device",
        ) { client.wallet(elsewhere) }
        case(
            "DeviceException.OtherUser",
            "the device's record is another user's",
        ) { other.client(device).wallet(wallet) }
        case(
            "BackupException.Device(source=DeviceException.NotHere(wallet=$elsewhere))",
            "the wallet $elsewhere is not on this device",
        ) {
            client.backup(elsewhere, listOf(password))
        }
        case(
            "RecoverException.Open(source=OpenBackupException.State(source=StateException.Read(source=ReadException.NotFound)))",
            "the custodian did not give the wallet's state: not found",
        ) {
            client.recover(elsewhere, Recovery(password))
        }
        case(
            "CreateException.State(source=StateException.Unpinned)",
            "the custodian's identity is not known: pin it",
        ) {
            user.client(pinned = null).createWallet(BOTH_CURVES)
        }
        Custodian().use { stranger ->
            case("StateException.WrongCustodian(source=SignatureException.Invalid)",
                "the state is not signed by the wallet's custodian: the custodian did not sign this") {
                user.client(pinned = stranger.identity).state(wallet)
            }
            case(
                "ResumeException.State(source=StateException.OtherCustodian)",
                "the wallet is with another custodian than the pinned one",
            ) {
                user.client(device, pinned = stranger.identity).resume(wallet)
            }
            case(
                "ReadException.Unavailable(outage=NOT_SIGNED_IN, retryAfter=null)",
                "the custodian is unavailable: the user is not signed in",
            ) {
                HttpCustodian(HttpConfig(stranger.url, UrlTransport(), user.tokens)).user()
            }
            cases.check()
        }
    }

    @Test
    fun `backups that are not made`() = test {
        val client = user.client()
        val wallet = client.createWallet(BOTH_CURVES).id()
        val made = client.backedUp()
        val slot = client.status(made).methods.single().slot
        val none = SlotId.parse(slot.text.reversed())
        case(
            "BackupException.Methods(source=MethodsException.Slot(source=SlotException.Method(source=MethodException.Password(source=PasswordException.TooWeak(score=0, min=3, warning=This is a very common password.)))))",
            "a backup method could not be set up: the method failed: the password is refused: the password is too easy to guess: strength 0 of 4, at least 3 is needed",
        ) { client.backup(wallet, listOf(Method.password("password1"))) }
        case(
            "BackupException.Methods(source=MethodsException.Slot(source=SlotException.Method(source=MethodException.Password(source=PasswordException.TooShort(found=5, min=8)))))",
            "a backup method could not be set up: the method failed: the password is refused: the password has 5 characters, fewer than 8",
        ) { client.backup(wallet, listOf(Method.password("short"))) }
        case(
            "BackupException.Run(source=RunException.Publish(source=PublishException.Seal(source=SealException.NoSlots)))",
            "the envelope cannot be sealed: there are no slots",
        ) { client.backup(wallet, emptyList()) }
        case(
            "BackupException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=PrepareException.Refused(source=PrepareRefusal.AlreadyBackedUp))))",
            "the custodian did not prepare the new epoch: the wallet is already backed up",
        ) { client.backup(made, listOf(password)) }
        case(
            "RefreshException.Methods(source=MethodsException.NoSuchSlot(slot=$none))",
            "there is no method $none",
        ) {
            client.changeMethods(made, password, listOf(MethodChange.Remove(none)))
        }
        case(
            "RefreshException.Run(source=RunException.Publish(source=PublishException.Seal(source=SealException.NoSlots)))",
            "the envelope cannot be sealed: there are no slots",
        ) { client.changeMethods(made, password, listOf(MethodChange.Remove(slot))) }
        case(
            "DrillException.Open(source=OpenBackupException.NotBackedUp(wallet=$wallet))",
            "the wallet $wallet has no backup",
        ) {
            client.drill(wallet, password)
        }
        case(
            "DrillException.Open(source=OpenBackupException.Open(source=OpenException.WrongSecret(kind=Password)))",
            "the backup did not open with this method: wrong password",
        ) { client.drill(made, Method.password(OTHER_PASSWORD)) }
        case(
            "DrillException.Open(source=OpenBackupException.Open(source=OpenException.NoSlot(kind=RecoveryCode)))",
            "the backup did not open with this method: the envelope has no recovery_code slot",
        ) { client.drill(made, Method.recoveryCode(RecoveryCode.make())) }
        case(
            "RecoverException.Open(source=OpenBackupException.Open(source=OpenException.Substituted))",
            "the backup did not open with this method: the wallet was substituted",
        ) {
            val code = client.wallet(wallet).checkCode()
            user.client().recover(made, Recovery(password, VouchedBy.CheckCode(code)))
        }
        case(
            "ConvertException.AlreadyMpc",
            "the wallet is an MPC wallet already",
        ) { client.convert(made, password) }
        case(
            "EjectException.Refused(source=CustodianEjectException.Refused(source=ReleaseRefusal.WindowClosed))",
            "the custodian released nothing: the operator has not opened a window",
        ) { client.eject(made, password) }
        case(
            "CancelException.Refused(source=CustodianCancelException.Refused(source=CancelRefusal.NoSuchRequest))",
            "the custodian did not cancel the request: no such request is waiting",
        ) { client.cancel(made, makeOperationId()) }
        case(
            "ImportException.Empty",
            "there is nothing to import",
        ) { client.importWallet(emptyList()) }
        case(
            "ImportException.TooMany(count=17, cap=16)",
            "17 keys and secrets are more than a wallet's 16",
        ) {
            client.importWallet(List(17) { Import.Key(SigningKey.make()) })
        }
        case(
            "MoveException.SameCustodian",
            "the wallet is with that custodian already",
        ) {
            client.moveWallet(made, password, Destination(user.custodian(), user.custodian.identity))
        }
        cases.check()
    }

    @Test
    fun `wallets that stand still, and single keys that cannot become MPC`() = test {
        val client = user.client()
        val frozen = client.backedUp()
        user.custodian.operator("freeze", "--user", user.name, "--wallet", frozen.text)
        case(
            "RefreshException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=PrepareException.Refused(source=PrepareRefusal.Frozen(freezes=Freezes(dispute=null, operator=true, restored=null))))))",
            "the custodian did not prepare the new epoch: the wallet is frozen; ask the operator of the custodian",
        ) { client.refresh(frozen, password) }
        val words = List(11) { "abandon" }.plus("about").joinToString(" ").toByteArray()
        val seeds = client.importWallet(listOf(Import.Secret(WalletSecret(SecretKind.MNEMONIC, "old", words)))).id()
        client.backup(seeds, listOf(password))
        case(
            "ConvertException.SealedSecrets(sealed=[WhatIsSealed(index=0, kind=MNEMONIC, label=old)])",
            "1 of the wallet's secrets are not scalars: make a new wallet and move the funds",
        ) { client.convert(seeds, password) }
        val replaced = client.backedUp()
        client.replace(replaced, listOf(password))
        case(
            "EjectException.Refused(source=CustodianEjectException.Refused(source=ReleaseRefusal.GraceRunning(left=72h)))",
            "the custodian released nothing: a replaced backup can still be restored, for 72h seconds at least",
        ) { client.eject(replaced, password) }
        val lost = user.client()
        val gone = lost.backedUp()
        client.recover(gone, Recovery(password))
        case(
            "RefreshException.Device(source=DeviceException.Revoked(wallet=$gone))",
            "another device has recovered or converted the wallet $gone",
        ) { lost.refresh(gone, password) }
        cases.check()
    }

    @Test
    fun `a custodian that cannot be reached`() = test {
        val once = Retry(Duration.ofMillis(1), Duration.ofMillis(1), Duration.ofSeconds(1), 1u)
        val custodian = Custodian()
        val there = User(custodian)
        val client = there.client(custodian = there.custodian(retry = once))
        val wallet = client.backedUp()
        custodian.close()
        case(
            "StateException.Read(source=ReadException.Unavailable(outage=UNREACHABLE, retryAfter=null))",
            "the custodian did not give the wallet's state: the custodian is unavailable: it cannot be reached",
        ) {
            client.wallets()
        }
        case(
            "RefreshException.Open(source=OpenBackupException.State(source=StateException.Read(source=ReadException.Unavailable(outage=UNREACHABLE, retryAfter=null))))",
            "the custodian did not give the wallet's state: the custodian is unavailable: it cannot be reached",
        ) { client.refresh(wallet, password) }
        case(
            "CreateException.Run(source=RunException.Exchange(source=ExchangeException.Begin(source=BeginException.Unavailable(outage=UNREACHABLE, retryAfter=null))))",
            "the custodian did not begin: the custodian is unavailable: it cannot be reached",
        ) { client.createWallet(BOTH_CURVES) }
        cases.check()
        // What the device knows by itself it says.
        val status = client.status(wallet)
        assertEquals("StateException.Read(source=ReadException.Unavailable(outage=UNREACHABLE, retryAfter=null))", describe((status.asked as Asked.Unheard).why))
    }

    @Test
    fun `the cause of an error is the one that it comes from`() = test {
        val client = user.client()
        val wallet = client.backedUp()
        val error = fails<DrillException> { client.drill(wallet, Method.password(OTHER_PASSWORD)) }
        val chain = generateSequence<Throwable>(error) { it.cause }.map { it.javaClass.name.substringAfterLast('.') }
        assertEquals(
            listOf("DrillException\$Open", "OpenBackupException\$Open", "OpenException\$WrongSecret"),
            chain.toList(),
        )
        assertEquals("${error.javaClass.name}: ${error.message}", error.toString())
    }
}
