package io.twoshare

import java.io.File
import java.math.BigInteger
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A wallet that goes from one custodian to another, and one that comes from somebody else's. */
class MovingTest {
    private val old = Custodian()
    private val new = Custodian()
    private val here = User(old)
    private val there = User(new, "${here.name}-there")
    private val code = makeCode()
    private val store = OwnStore()
    private val device = Device.Memory(MemoryDevice())

    @AfterEach
    fun close() {
        old.close()
        new.close()
    }

    private fun at(user: User, device: Device = this.device, transport: HttpTransport = UrlTransport()): Client =
        user.client(device, user.custodian(transport, retry = ONCE), listOf(store.named("mine")))

    private fun goal(transport: HttpTransport = UrlTransport()) =
        Destination(there.custodian(transport, retry = ONCE), new.identity, there.name)

    private fun trust(other: Custodian = new) =
        old.operator("trust-custodian", "--identity", other.identity.text, "--url", other.url)

    private fun openWindow(wallet: WalletId) =
        old.operator("eject-window", "--user", here.name, "--wallet", wallet.text)

    @Test
    fun `a wallet moves, and is with one of the two`() = test {
        val client = at(here)
        val wallet = client.backedUp(code)
        val keys = client.wallet(wallet).keys
        assertEquals(new.identity, goal().identity())
        val cases = Cases()
        cases.add(
            "MoveException.Refused(source=DepartException.Untrusted)",
            "the custodian does not let the wallet leave: the operator does not trust that custodian",
        ) { client.moveWallet(wallet, code, goal()) }
        cases.check()
        trust()
        val closed = Cases()
        closed.add(
            "MoveException.Refused(source=DepartException.Refused(source=DepartRefusal.WindowClosed))",
            "the custodian does not let the wallet leave: the operator has not opened a window",
        ) { client.moveWallet(wallet, code, goal()) }
        closed.check()
        openWindow(wallet)
        val said = mutableListOf<Step>()
        val moved =
            client.withProgress(object : ProgressListener {
                override fun step(at: Progressed) {
                    said.add(at.step)
                }
            }).moveWallet(wallet, code, goal()) as Moved.Done
        assertEquals(keys, moved.wallet.keys)
        assertTrue(said.containsAll(listOf(Step.LEAVE, Step.HAND_OVER, Step.DONE)), "$said")

        // The client of before says where it is, whatever is asked.
        val gone = Cases()
        val state = "StateException.Moved(to=${new.identity})"
        val text = "the wallet has moved to another custodian"
        gone.add(state, text) { client.state(wallet) }
        gone.add("RefreshException.Open(source=OpenBackupException.State(source=$state))", text) {
            client.refresh(wallet, code)
        }
        gone.add("ResumeException.State(source=$state)", text) { client.resume(wallet) }
        gone.add("MoveException.Open(source=OpenBackupException.State(source=$state))", text) {
            client.moveWallet(wallet, code, goal())
        }
        gone.add("RecoverException.Open(source=OpenBackupException.State(source=$state))", text) {
            at(here, Device.Memory(MemoryDevice())).recover(wallet, Recovery(code))
        }
        gone.check()

        val after = at(there)
        assertEquals(Resumed.Nothing, after.resume(wallet))
        assertEquals(Level.MATCHES, after.drill(wallet, code).level)
        after.refresh(wallet, code)
        val recovered = at(there, Device.Memory(MemoryDevice())).recover(wallet, Recovery(code)) as Recovered.Done
        assertEquals(keys, recovered.wallet.keys)
    }

    @Test
    fun `a move that was interrupted is finished with the custodian that it goes to and no other`() = test {
        trust()
        val unheard = "Unavailable(outage=UNREACHABLE, retryAfter=null)"
        val commit =
            "MoveException.Run(source=RunException.Publish(source=PublishException.Commit(source=CommitException.$unheard)))" to
                "the custodian did not say that the epoch is committed: the custodian is unavailable: it cannot be reached"
        val handOver =
            "MoveException.HandOver(source=HandOverException.$unheard)" to
                "the custodian that the wallet left did not take note: the custodian is unavailable: it cannot be reached"
        for ((where, isNew, said) in listOf(Triple("/commit", true, commit), Triple("/hand-over", false, handOver))) {
            val cut = Between()
            val client = if (isNew) at(here) else at(here, transport = cut)
            val wallet = client.backedUp(code)
            openWindow(wallet)
            cut.cut(where)
            val to = if (isNew) goal(cut) else goal()
            val error = fails<MoveException> { client.moveWallet(wallet, code, to) }
            assertEquals(said, describe(error) to error.message)
            cut.behave()
            assertEquals(OnDevice.Interrupted(Operation.MOVE), client.status(wallet).onDevice)
            val needs = "ResumeException.NeedsCustodian(identity=${new.identity})"
            val text = "an interrupted move needs the other custodian too"
            val cases = Cases()
            cases.add(needs, text) { client.resume(wallet) }
            cases.add(
                "RefreshException.Unsettled(source=$needs)",
                "an interrupted operation has to end first: $text",
            ) { client.refresh(wallet, code) }
            cases.add(
                "BackupException.Unsettled(source=$needs)",
                "an interrupted operation has to end first: $text",
            ) { client.replace(wallet, listOf(code)) }
            cases.add(
                "EjectException.Unsettled(source=$needs)",
                "an interrupted operation has to end first: $text",
            ) { client.eject(wallet, code) }
            cases.add(
                "RecoverException.Unsettled(source=$needs)",
                "an interrupted operation has to end first: $text",
            ) { client.recover(wallet, Recovery(code)) }
            val third = User()
            cases.add(
                "MoveException.Unsettled(source=$needs)",
                "an interrupted operation has to end first: $text",
            ) {
                client.moveWallet(
                    wallet, code, Destination(third.custodian(), third.custodian.identity, third.name),
                )
            }
            cases.check()
            assertEquals(Resumed.Finished(Operation.MOVE), client.resumeMove(wallet, goal()))
            assertEquals(Level.MATCHES, at(there).drill(wallet, code).level)
            fails<StateException.Moved> { client.state(wallet) }
        }
    }

    @Test
    fun `a custodian that says it took note, and did not, still has the wallet`() = test {
        trust()
        val between = Between()
        val client = at(here, transport = between)
        val wallet = client.backedUp(code)
        openWindow(wallet)
        between.instead("/hand-over") { HttpResponse(204u, null, null, ByteArray(0)) }
        val cases = Cases()
        cases.add("MoveException.NotGone", "the custodian that the wallet left still has it") {
            client.moveWallet(wallet, code, goal())
        }
        cases.check()
        between.behave()
        assertEquals(Resumed.Finished(Operation.MOVE), client.resumeMove(wallet, goal()))
        assertEquals(Level.MATCHES, at(there).drill(wallet, code).level)
    }

    @Test
    fun `a custodian that has forgotten the wallet it took does not end it where it was`() = test {
        trust()
        val before = new.copy()
        val between = Between()
        val client = at(here, transport = between)
        val wallet = client.backedUp(code)
        val keys = client.wallet(wallet).keys
        openWindow(wallet)
        between.cut("/hand-over")
        fails<MoveException.HandOver> { client.moveWallet(wallet, code, goal()) }
        between.behave()
        new.restored(before).use { restored ->
            val to = Destination(User(restored, there.name).custodian(retry = ONCE), restored.identity, there.name)
            val cases = Cases()
            cases.add(
                "MoveException.NotHeld",
                "the custodian that the wallet went to does not have it any more",
            ) { client.resumeMove(wallet, to) }
            cases.check()
        }
        val recovery = Recovery(code, acceptMoved = true)
        val recovered = at(here, Device.Memory(MemoryDevice())).recover(wallet, recovery) as Recovered.Done
        assertEquals(keys, recovered.wallet.keys)
    }

    @Test
    fun `a wallet that another device has changed meanwhile does not move`() = test {
        trust()
        val memory = MemoryDevice()
        val client = at(here, Device.Memory(memory))
        val wallet = client.backedUp(code)
        val other = at(here, Device.Memory(memory.snapshot()))
        openWindow(wallet)
        val between = Between()
        between.cut("/commit")
        fails<MoveException.Run> { client.moveWallet(wallet, code, goal(between)) }
        other.refresh(wallet, code)
        assertEquals(Resumed.GivenUp(Operation.MOVE, null), client.resumeMove(wallet, goal()))
        between.instead("/prepare") { request ->
            between.behave()
            other.refresh(wallet, code)
            between.send(request)
        }
        val cases = Cases()
        cases.add("MoveException.Overtaken", "another device has changed the wallet meanwhile") {
            client.moveWallet(wallet, code, goal(between))
        }
        cases.check()
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `a wallet that is not here, or there already, does not move`() = test {
        trust()
        val client = at(here)
        val wallet = client.backedUp(code)
        openWindow(wallet)
        client.moveWallet(wallet, code, goal())
        val cases = Cases()
        cases.add("MoveException.SameCustodian", "the wallet is with that custodian already") {
            at(there).moveWallet(wallet, code, goal())
        }
        cases.add(
            "MoveException.Device(source=DeviceException.NotHere(wallet=$wallet))",
            "the wallet $wallet is not on this device",
        ) { at(there, Device.Memory(MemoryDevice())).moveWallet(wallet, code, goal()) }
        cases.check()
    }

    /** The custodian's half of a share's key, which whoever has that share and the key can compute: f(2) = 2·f(1) - f(0). */
    private fun otherHalf(share: ClientShare, key: ByteArray): ByteArray {
        val little = share.verifyingKey().curve == CurveId.ED25519
        val order = if (little) ED25519 else SECP256K1
        fun number(bytes: ByteArray) = BigInteger(1, if (little) bytes.reversedArray() else bytes)
        val value = (number(share.exposeSecret()) * BigInteger.TWO - number(key)).mod(order)
        val bytes = value.toByteArray().let { if (it.size > 32) it.copyOfRange(it.size - 32, it.size) else it }
        val big = ByteArray(32 - bytes.size) + bytes
        // The encoding begins with an array of 9, the version, the role; it ends with the value.
        val whole = share.toBytes()
        check(whole[2] == 1.toByte())
        whole[2] = 2
        return whole.copyOf(whole.size - 32) + if (little) big.reversedArray() else big
    }

    @Test
    fun `a wallet that existed before is taken up, backed up and recovered`() = test {
        // Somebody else's system has made it: here, the other custodian.
        val elsewhere = at(here)
        val wallet = elsewhere.backedUp(code)
        openWindow(wallet)
        val keys = (elsewhere.eject(wallet, code) as Ejected.Done).keys.map { it.exposeSecret() }
        val shares = elsewhere.wallet(wallet).signingShares()
        val client = at(there, Device.Memory(MemoryDevice()))
        suspend fun adopt(shares: List<ClientShare>, id: WalletId = wallet) = client.adoptWallet(id, shares, "from before")
        val early = Cases()
        early.add(
            "AdoptException.State(source=StateException.Read(source=ReadException.NotFound))",
            "the custodian did not give the wallet's state: not found",
        ) { adopt(shares) }
        early.check()

        val folder = temporary("halves")
        val files =
            shares.mapIndexed { index, share ->
                File(folder, "$index").apply { writeBytes(otherHalf(share, keys[index])) }.path
            }
        new.operator("adopt", "--user", there.name, *files.flatMap { listOf("--share-file", it) }.toTypedArray())
        val other = elsewhere.createWallet(BOTH_CURVES)
        val later = elsewhere.recover(wallet, Recovery(code)) as Recovered.Done
        val cases = Cases()
        cases.add("AdoptException.Half(source=NotAHalf.Empty)", "a wallet has at least one key") { adopt(emptyList()) }
        cases.add("AdoptException.Half(source=NotAHalf.OutOfOrder(index=0, found=1))", "share 0 is of key 1") {
            adopt(shares.reversed())
        }
        cases.add(
            "AdoptException.Half(source=NotAHalf.OtherWallet(index=0, found=${other.id()}))",
            "share 0 is of the wallet ${other.id()}",
        ) { adopt(other.signingShares()) }
        cases.add(
            "AdoptException.OtherSharing(index=1)",
            "the custodian's half of key 1 belongs to another sharing",
        ) { adopt(shares.take(1)) }
        cases.add(
            "AdoptException.OtherEpoch(epoch=2, custodian=1)",
            "the custodian's signing epoch is another than 2",
        ) { adopt(later.wallet.signingShares()) }
        cases.check()

        val adopted = adopt(shares)
        assertEquals(WalletKind.MPC, adopted.kind())
        assertEquals("from before", adopted.name())
        assertEquals(shares.map { it.verifyingKey().hex }, adopted.keys)
        val again = Cases()
        again.add("AdoptException.AlreadyHere(wallet=$wallet)", "the wallet $wallet is on this device already") {
            adopt(shares)
        }
        // Nothing is put over it.
        trust()
        again.add("MoveException.IsThere", "the other custodian has this wallet already") {
            elsewhere.moveWallet(wallet, code, goal())
        }
        again.check()
        val method = makeCode()
        client.backup(wallet, listOf(method))
        assertEquals(Level.MATCHES, client.drill(wallet, method).level)
        val recovered = at(there, Device.Memory(MemoryDevice())).recover(wallet, Recovery(method)) as Recovered.Done
        assertEquals(adopted.keys, recovered.wallet.keys)
    }

    private companion object {
        val SECP256K1 = BigInteger("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
        val ED25519 = BigInteger("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
    }
}
