package io.twoshare

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** What each operation says when the device, the custodian, its operator or another device is in its way. */
class OperationErrorsTest {
    private val user = User()
    private val code = makeCode()
    private val between = Between()
    private val cases = Cases()

    private fun case(variant: String, text: String, call: suspend () -> Any?) = cases.add(variant, text, call)

    private fun at(device: Device = Device.Memory(MemoryDevice()), user: User = this.user) =
        user.client(device, user.custodian(between, retry = ONCE))

    @Test
    fun `the device is locked`() = test {
        var locked = false
        val device = object : OwnDevice() {
            override suspend fun load(wallet: WalletId): Record? =
                if (locked) throw LoadException.Fault(DeviceFault.Locked()) else super.load(wallet)

            override suspend fun wallets(): List<WalletId> = if (locked) throw DeviceFault.Locked() else super.wallets()
        }
        val client = at(Device.Own(device, null))
        val wallet = client.backedUp(code)
        val shares = client.wallet(wallet).signingShares()
        locked = true
        val text = "the device's record was not loaded: the device's storage is locked"
        val load = "DeviceException.Load(source=LoadException.Fault(source=DeviceFault.Locked))"
        case(load, text) { client.wallet(wallet) }
        case(load, text) { client.status(wallet) }
        case(load, text) { client.keepAttachments(wallet, emptyList()) }
        case("DeviceException.Fault(source=DeviceFault.Locked)", "the device's storage is locked") { client.walletsHere() }
        val source = "(source=$load)"
        case("BackupException.Device$source", text) { client.backup(wallet, listOf(code)) }
        case("BackupException.Device$source", text) { client.replace(wallet, listOf(code)) }
        case("RefreshException.Device$source", text) { client.refresh(wallet, code) }
        case("RefreshException.Device$source", text) { client.changeMethods(wallet, code, emptyList()) }
        case("DrillException.Device$source", text) { client.drill(wallet, code) }
        case("EjectException.Device$source", text) { client.eject(wallet, code) }
        case("ConvertException.Device$source", text) { client.convert(wallet, code) }
        case("CancelException.Device$source", text) { client.cancel(wallet, makeOperationId()) }
        case("RecoverException.Device$source", text) { client.recover(wallet, Recovery(code)) }
        case("AdoptException.Device$source", text) { client.adoptWallet(wallet, shares) }
        case("ResumeException.Device$source", text) { client.resume(wallet) }
        case("ResumeException.Device$source", text) { client.forget(wallet) }
        val elsewhere = Destination(user.custodian(), makeStranger())
        case("MoveException.Device$source", text) { client.moveWallet(wallet, code, elsewhere) }
        case("MoveException.Device$source", text) { client.resumeMove(wallet, elsewhere) }
        cases.check()
    }

    /** An identity that is no custodian's here. */
    private fun makeStranger(): CustodianIdentity = Custodian().use { it.identity }

    @Test
    fun `the device does not save`() = test {
        var saving: SaveException? = null
        var deleting: DeleteException? = null
        val device = object : OwnDevice() {
            override suspend fun save(wallet: WalletId, contents: ByteArray, expected: Counter?): Counter {
                saving?.let { throw it }
                return super.save(wallet, contents, expected)
            }

            override suspend fun delete(wallet: WalletId, expected: Counter) {
                deleting?.let { throw it }
                super.delete(wallet, expected)
            }
        }
        val client = at(Device.Own(device, null))
        val wallet = client.backedUp(code)
        fun saving(error: SaveException, variant: String, text: String, call: suspend () -> Any?) =
            case(variant.replace("@", "DeviceException.Save(source=${describe(error)})"), text) {
                saving = error
                try {
                    call()
                } finally {
                    saving = null
                }
            }
        val keys = listOf(Import.Key(SigningKey.make()))
        val text = "the device's record was not saved"
        saving(
            SaveException.Full(),
            "CreateException.Run(source=RunException.Device(source=@))",
            "$text: the device is full",
        ) { client.createWallet(BOTH_CURVES) }
        for ((error, why) in listOf(
            SaveException.Full() to "the device is full",
            SaveException.TooLarge(7u, 5u) to "7 bytes are more than the 5 of the longest record",
            SaveException.NewerVersion(9u) to "the device's record has version 9, which is newer than this software",
            SaveException.Fault(DeviceFault.Denied("storage")) to "permission is missing: storage",
        )) {
            saving(error, "ImportException.Device(source=@)", "$text: $why") { client.importWallet(keys) }
        }
        saving(
            SaveException.Conflict(41u),
            "RefreshException.Run(source=RunException.Device(source=@))",
            "$text: another record is there than was expected",
        ) { client.refresh(wallet, code) }
        for ((error, why) in listOf(
            DeleteException.Full() to "the device is full",
            DeleteException.Conflict(3u) to "another record is there than was expected",
            DeleteException.Damaged() to "the device's record of the wallet is damaged",
        )) {
            case(
                "ResumeException.Device(source=DeviceException.Delete(source=${describe(error)}))",
                "the device's record was not deleted: $why",
            ) {
                deleting = error
                client.forget(wallet)
            }
        }
        cases.check()
    }

    @Test
    fun `the custodian is not heard, at each of its requests`() = test {
        val client = at()
        val wallet = client.backedUp(code)
        val single = client.importWallet(listOf(Import.Key(SigningKey.make()))).id()
        client.backup(single, listOf(code))
        user.custodian.operator("eject-window", "--user", user.name, "--wallet", wallet.text)
        val lost = "the custodian is unavailable: it cannot be reached"
        fun cut(where: String, variant: String, text: String, call: suspend () -> Any?) =
            case(variant.replace("@", "Unavailable(outage=UNREACHABLE, retryAfter=null)"), "$text: $lost") {
                client.resume(wallet)
                between.cut(where)
                try {
                    call()
                } finally {
                    between.behave()
                }
            }
        val state = "source=StateException.Read(source=ReadException.@)"
        val noState = "the custodian did not give the wallet's state"
        cut("/state", "StateException.Read(source=ReadException.@)", noState) { client.state(wallet) }
        cut("/state", "DrillException.Open(source=OpenBackupException.State($state))", noState) { client.drill(wallet, code) }
        cut("/state", "OpenBackupException.State($state)", noState) { client.open(wallet, code) }
        cut("/state", "BackupException.State($state)", noState) { client.replace(wallet, listOf(code)) }
        cut("/state", "ConvertException.Open(source=OpenBackupException.State($state))", noState) {
            client.convert(single, code)
        }
        cut("/drill", "DrillException.Read(source=ReadException.@)", "the custodian gave no proof of its half") {
            client.drill(wallet, code)
        }
        val noBegin = "the custodian did not begin"
        val begin = "Run(source=RunException.Exchange(source=ExchangeException.Begin(source=BeginException.@)))"
        cut("/begin", "EjectException.Begin(source=BeginException.@)", noBegin) { client.eject(wallet, code) }
        cut("/begin", "CancelException.Begin(source=BeginException.@)", noBegin) { client.cancel(wallet, makeOperationId()) }
        cut("/begin", "RefreshException.$begin", noBegin) { client.refresh(wallet, code) }
        cut("/begin", "BackupException.$begin", noBegin) { client.replace(wallet, listOf(code)) }
        cut("/begin", "RecoverException.$begin", noBegin) { at().recover(wallet, Recovery(code)) }
        cut("/begin", "ConvertException.$begin", noBegin) { client.convert(single, code) }
        val noPrepare = "the custodian did not prepare the new epoch"
        val prepare = "Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=PrepareException.@)))"
        cut("/prepare", "RefreshException.$prepare", noPrepare) { client.refresh(wallet, code) }
        val noCommit = "the custodian did not say that the epoch is committed"
        val commit = "Run(source=RunException.Publish(source=PublishException.Commit(source=CommitException.@)))"
        cut("/commit", "RefreshException.$commit", noCommit) { client.refresh(wallet, code) }
        cut("/commit", "RecoverException.$commit", noCommit) { at().recover(wallet, Recovery(code)) }
        cut("/eject", "EjectException.Refused(source=CustodianEjectException.@)", "the custodian released nothing") {
            client.eject(wallet, code)
        }
        cut("/cancel", "CancelException.Refused(source=CustodianCancelException.@)", "the custodian did not cancel the request") {
            client.cancel(wallet, makeOperationId())
        }
        cases.check()
    }

    @Test
    fun `what was interrupted cannot end yet`() = test {
        val client = at()
        val wallet = client.backedUp(code)
        val lost = "the custodian is unavailable: it cannot be reached"
        fun interrupted(hinder: () -> Unit, then: () -> Unit, variant: String, text: String) =
            case("ResumeException.$variant".replace("@", "Unavailable(outage=UNREACHABLE, retryAfter=null)"), text) {
                between.behave()
                client.resume(wallet)
                hinder()
                fails<RefreshException.Run> { client.refresh(wallet, code) }
                between.behave()
                then()
                client.resume(wallet)
            }
        fun cut(where: String): () -> Unit = { between.cut(where) }
        val cutUpload = { between.cut { it.method == HttpMethod.PUT || "/abandon" in it.url } }
        interrupted(
            cut("/commit"),
            cut("/state"),
            "State(source=StateException.Read(source=ReadException.@))",
            "the custodian did not give the wallet's state: $lost",
        )
        interrupted(
            cut("/commit"),
            cut("/commit"),
            "Run(operation=REFRESH, source=RunException.Publish(source=PublishException.Commit(source=CommitException.@)))",
            "the interrupted refresh could not be finished: the custodian did not say that the epoch is committed: $lost",
        )
        interrupted(
            cut("/prepare"),
            cut("/prepare"),
            "Run(operation=REFRESH, source=RunException.Exchange(source=ExchangeException.Prepare(source=" +
                "PrepareException.@)))",
            "the interrupted refresh could not be finished: the custodian did not prepare the new epoch: $lost",
        )
        interrupted(
            { between.lose("/commit") },
            cut("/receipts/"),
            "Receipt(source=ReadException.@)",
            "the custodian did not give the operation's receipt: $lost",
        )
        interrupted(
            cutUpload,
            cut("/abandon"),
            "GiveUp(source=GiveUpException.Abandon(source=AbandonException.@))",
            "the custodian did not abandon the operation: $lost",
        )
        interrupted(
            cutUpload,
            cut("/begin"),
            "GiveUp(source=GiveUpException.Begin(source=BeginException.@))",
            "the custodian did not begin: $lost",
        )
        interrupted(
            cutUpload,
            { between.alter("/begin") { bytes -> bytes.clone().apply { this[size - 1] = (this[size - 1] + 1).toByte() } } },
            "GiveUp(source=GiveUpException.Session(source=SessionException.WrongCustodian(source=SignatureException.Invalid)))",
            "the custodian's answer does not hold: the answer is not signed by the pinned custodian: " +
                "the custodian did not sign this",
        )
        val frozen = "ResumeException.Frozen(freezes=Freezes(dispute=null, operator=true, restored=null))"
        val text = "the wallet is frozen; ask the operator of the custodian"
        interrupted(
            cut("/commit"),
            { user.custodian.operator("freeze", "--user", user.name, "--wallet", wallet.text) },
            frozen.removePrefix("ResumeException."),
            text,
        )
        val unsettled = "an interrupted operation has to end first: $text"
        case("RefreshException.Unsettled(source=$frozen)", unsettled) { client.refresh(wallet, code) }
        case("BackupException.Unsettled(source=$frozen)", unsettled) { client.replace(wallet, listOf(code)) }
        case("EjectException.Unsettled(source=$frozen)", unsettled) { client.eject(wallet, code) }
        case(frozen, text) { client.forget(wallet) }
        cases.check()
        // What was backed up is backed up all the while.
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        user.custodian.operator("unfreeze", "--user", user.name, "--wallet", wallet.text)
        assertEquals(Resumed.Finished(Operation.REFRESH), client.resume(wallet))
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `the custodian's own store does not take the envelope`() = test {
        val client = at()
        val wallet = client.backedUp(code)
        between.cut { it.method == HttpMethod.PUT }
        case(
            "RefreshException.Run(source=RunException.Publish(source=PublishException.Stores(source=" +
                "WriteStoresException.Policy(needed=1, kept=[], missing=[custodian: KeepException.Upload(source=" +
                "UploadException.Unavailable(outage=UNREACHABLE, retryAfter=null))]))))",
            "0 stores have the envelope where 1 are needed",
        ) { client.refresh(wallet, code) }
        cases.check()
        between.behave()
        assertEquals(Resumed.Nothing, client.resume(wallet))
    }

    @Test
    fun `more operations than a user may begin`() = test {
        Custodian("--begin-rate", "1").use { custodian ->
            val client = User(custodian).let { it.client(custodian = it.custodian(retry = ONCE)) }
            case(
                "CreateException.Run(source=RunException.Exchange(source=ExchangeException.Begin(source=BeginException.TooMany)))",
                "the custodian did not begin: too many sessions are open",
            ) { repeat(30) { client.createWallet(listOf(CurveId.ED25519)) } }
            cases.check()
        }
    }

    @Test
    fun `another device of the same user`() = test {
        val device = MemoryDevice()
        val client = at(Device.Memory(device))
        val wallet = client.backedUp(code)
        // A copy of the device, as a cloud would have made it.
        val copy = at(Device.Memory(device.snapshot()))
        between.cut("/commit")
        fails<RefreshException.Run> { client.refresh(wallet, code) }
        between.behave()
        case(
            "RefreshException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=" +
                "PrepareException.Refused(source=PrepareRefusal.Conflict(operation=REFRESH, until=then)))))",
            "the custodian did not prepare the new epoch: another operation is pending",
        ) { copy.refresh(wallet, code) }
        cases.check()
        client.resume(wallet)
        copy.refresh(wallet, code)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `a backup that was replaced`() = test {
        val client = at()
        val wallet = client.backedUp(code)
        client.replace(wallet, listOf(code))
        case(
            "RefreshException.Open(source=OpenBackupException.Contested(restorable=1))",
            "the backup of epoch 1 was replaced, and this method opens it too",
        ) { client.refresh(wallet, code) }
        case(
            "BackupException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=" +
                "PrepareException.Refused(source=PrepareRefusal.GraceRunning(left=72h)))))",
            "the custodian did not prepare the new epoch: a replaced backup can still be restored, for 72h seconds at least",
        ) { client.replace(wallet, listOf(code)) }
        val single = client.importWallet(listOf(Import.Key(SigningKey.make()))).id()
        client.backup(single, listOf(code))
        val other = makeCode()
        client.replace(single, listOf(other))
        case(
            "ConvertException.GraceRunning(left=72h)",
            "a replaced backup can still be restored, for 72h seconds at least",
        ) { client.convert(single, other) }
        cases.check()
    }

    @Test
    fun `methods that do not fit`() = test {
        val client = at()
        val wallet = client.createWallet(BOTH_CURVES).id()
        case(
            "BackupException.Methods(source=MethodsException.Table(source=SlotTableException.Full(cap=16)))",
            "the method does not fit the envelope: 16 slots are there already",
        ) { client.backup(wallet, List(17) { makeCode() }) }
        case(
            "BackupException.Methods(source=MethodsException.Slot(source=SlotException.TooLarge))",
            "a backup method could not be set up: the label or the parameters are too long",
        ) { client.backup(wallet, listOf(Method.recoveryCode(RecoveryCode.make("l".repeat(300))))) }
        cases.check()
        client.backup(wallet, listOf(code))
        val open = "source=OpenBackupException.Open(source=OpenException"
        val text = "the backup did not open with this method"
        val wrong = Cases()
        wrong.add("DrillException.Open($open.WrongSecret(kind=RecoveryCode)))", "$text: wrong recovery_code") {
            client.drill(wallet, makeCode())
        }
        wrong.add("RecoverException.Open($open.WrongSecret(kind=RecoveryCode)))", "$text: wrong recovery_code") {
            at().recover(wallet, Recovery(makeCode()))
        }
        wrong.add("EjectException.Open($open.NoSlot(kind=Password)))", "$text: the envelope has no password slot") {
            client.eject(wallet, Method.password(PASSWORD))
        }
        wrong.check()
    }

    @Test
    fun `no custodian is pinned, or another one`() = test {
        val single = user.client(pinned = null)
        val unpinned = single.importWallet(listOf(Import.Key(SigningKey.make()))).id()
        case("BackupException.State(source=StateException.Unpinned)", "the custodian's identity is not known: pin it") {
            single.backup(unpinned, listOf(code))
        }
        val device = Device.Memory(MemoryDevice())
        val wallet = at(device).backedUp(code)
        val client = user.client(device, pinned = makeStranger())
        val other = "source=StateException.OtherCustodian"
        val text = "the wallet is with another custodian than the pinned one"
        case("CancelException.State($other)", text) { client.cancel(wallet, makeOperationId()) }
        case("RefreshException.Open(source=OpenBackupException.State($other))", text) { client.refresh(wallet, code) }
        case("DrillException.Open(source=OpenBackupException.State($other))", text) { client.drill(wallet, code) }
        case("BackupException.State($other)", text) { client.replace(wallet, listOf(code)) }
        cases.check()
    }
}
