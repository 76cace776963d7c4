package io.twoshare

import java.util.concurrent.CopyOnWriteArrayList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Somebody between the app and its custodian, or the custodian itself, who does not tell the truth. */
class LiarTest {
    private val user = User()
    private val code = makeCode()
    private val between = Between()
    private val device = Device.Memory(MemoryDevice())
    private val client = at(device)
    private val cases = Cases()

    private fun at(device: Device = Device.Memory(MemoryDevice()), pinned: CustodianIdentity? = user.custodian.identity) =
        user.client(device, user.custodian(between, retry = ONCE), pinned = pinned)

    private fun ByteArray.changed(at: Int) = clone().apply { this[at] = (this[at] + 1).toByte() }

    /** What is answered next is what was answered here before. */
    private suspend fun replay(where: String, call: suspend () -> Unit) {
        val kept = CopyOnWriteArrayList<HttpResponse>()
        val inner = UrlTransport()
        between.instead(where) { request -> inner.send(request).also { kept.add(it) } }
        call()
        between.instead(where) { kept.first() }
    }

    private suspend fun goesOn(wallet: WalletId) {
        between.behave()
        client.resume(wallet)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        client.refresh(wallet, code)
    }

    @Test
    fun `a state of before`() = test {
        val wallet = client.backedUp(code)
        replay("/state") { client.state(wallet) }
        val text = "the state is not the one that was asked for"
        cases.add("StateException.OtherState", text) { client.state(wallet) }
        cases.add("DrillException.Open(source=OpenBackupException.State(source=StateException.OtherState))", text) {
            client.drill(wallet, code)
        }
        cases.add("RecoverException.Open(source=OpenBackupException.State(source=StateException.OtherState))", text) {
            at().recover(wallet, Recovery(code))
        }
        cases.check()
        goesOn(wallet)
    }

    @Test
    fun `answers that nobody has signed`() = test {
        val wallet = client.backedUp(code)
        val forged = "source=SessionException.WrongCustodian(source=SignatureException.Invalid)"
        val text = "the answer is not signed by the pinned custodian: the custodian did not sign this"
        fun case(where: String, said: String, text: String, call: suspend () -> Any?) =
            cases.add(said, text) {
                between.alter(where) { it.changed(it.size - 1) }
                try {
                    call()
                } finally {
                    between.behave()
                }
            }
        case(
            "/state",
            "StateException.WrongCustodian(source=SignatureException.Invalid)",
            "the state is not signed by the wallet's custodian: the custodian did not sign this",
        ) { client.state(wallet) }
        val exchange = "RunException.Exchange(source=ExchangeException.Session("
        val part = "the custodian's part does not hold"
        case("/begin", "RefreshException.Run(source=$exchange$forged)))", "$part: $text") {
            client.refresh(wallet, code)
        }
        case(
            "/prepare",
            "RefreshException.Run(source=${exchange}source=SessionException.Sealed(source=ChannelOpenException.Damaged))))",
            "$part: the sealed answer cannot be opened: the message is damaged or not from the other side",
        ) { client.refresh(wallet, code) }
        case(
            "/commit",
            "RefreshException.Run(source=RunException.Publish(source=PublishException.Receipt($forged)))",
            "the custodian's receipt does not hold: $text",
        ) { client.refresh(wallet, code) }
        case(
            "/drill",
            "DrillException.NotHeld(source=SessionException.NotHeld(key=1))",
            "the custodian's proof of its half does not hold: " +
                "the custodian has not proven that it holds its share of key 1",
        ) { client.drill(wallet, code) }
        case("/begin", "EjectException.Session($forged)", "the custodian's answer does not hold: $text") {
            client.eject(wallet, code)
        }
        case("/begin", "CancelException.Session($forged)", "the custodian's answer does not hold: $text") {
            client.cancel(wallet, makeOperationId())
        }
        case("/begin", "CreateException.Run(source=$exchange$forged)))", "$part: $text") {
            client.createWallet(BOTH_CURVES)
        }
        cases.check()
        goesOn(wallet)
    }

    @Test
    fun `answers to another question`() = test {
        val wallet = client.backedUp(code)
        replay("/begin") { client.refresh(wallet, code) }
        cases.add(
            "RefreshException.Run(source=RunException.Exchange(source=ExchangeException.Session(source=" +
                "SessionException.OtherSession)))",
            "the custodian's part does not hold: the answer belongs to another session",
        ) { client.refresh(wallet, code) }
        cases.check()
        between.behave()
        replay("/drill") { client.drill(wallet, code) }
        val drill = Cases()
        drill.add(
            "DrillException.NotHeld(source=SessionException.NotHeld(key=0))",
            "the custodian's proof of its half does not hold: " +
                "the custodian has not proven that it holds its share of key 0",
        ) { client.drill(wallet, code) }
        drill.check()
        between.behave()
        // The user hears that the backup cannot be relied on.
        val backup = client.status(wallet).keys.first().backup
        assertTrue(backup is BackupState.Unverified && backup.failed != null, "$backup")
        goesOn(wallet)
        assertEquals(BackupState.Complete, client.status(wallet).keys.first().backup)
    }

    @Test
    fun `answers that are nothing`() = test {
        val wallet = client.backedUp(code)
        val text = "the custodian is unavailable: its answer is not understood"
        fun lost(type: String) = "$type.Unavailable(outage=NOT_UNDERSTOOD, retryAfter=null)"
        val run = "source=RunException.Exchange(source=ExchangeException"
        val proof = "the custodian gave no proof of its half: $text"
        for (body in listOf(ByteArray(0), ByteArray(1000), "<html>".toByteArray())) {
            fun case(where: String, said: String, text: String, call: suspend () -> Any?) =
                cases.add(said, text) {
                    between.alter(where) { body }
                    call()
                }
            case(
                "/state",
                "StateException.Read(source=${lost("ReadException")})",
                "the custodian did not give the wallet's state: $text",
            ) { client.state(wallet) }
            case("/drill", "DrillException.Read(source=${lost("ReadException")})", proof) { client.drill(wallet, code) }
            case(
                "/begin",
                "RefreshException.Run($run.Begin(source=${lost("BeginException")})))",
                "the custodian did not begin: $text",
            ) { client.refresh(wallet, code) }
        }
        cases.check()
        goesOn(wallet)
    }

    @Test
    fun `an envelope that was changed, or is an older one`() = test {
        val wallet = client.backedUp(code)
        val none = "OpenBackupException.NotFound(stores=[custodian: FetchException.OtherEnvelope(found=epoch 1)])"
        val text = "no store has the backup's envelope intact"
        suspend fun nothingOpens() {
            val cases = Cases()
            cases.add("RecoverException.Open(source=$none)", text) { at().recover(wallet, Recovery(code)) }
            cases.add("DrillException.Open(source=$none)", text) { client.drill(wallet, code) }
            cases.add("RefreshException.Open(source=$none)", text) { client.refresh(wallet, code) }
            cases.add(none, text) { client.open(wallet, code) }
            cases.check()
        }
        between.alter("/envelopes/") { it.changed(it.size / 2) }
        nothingOpens()
        between.behave()
        // The envelope of before, which this code opens too.
        val kept = client.stores().read(checkNotNull(client.wallet(wallet).backup()).envelope).toBytes()
        client.refresh(wallet, code)
        between.alter("/envelopes/") { kept }
        nothingOpens()
        goesOn(wallet)
    }

    @Test
    fun `another custodian in its place`() = test {
        Custodian().use { stranger ->
            val there = User(stranger, user.name)
            val wallet = client.backedUp(code)
            val forged = "WrongCustodian(source=SignatureException.Invalid)"
            cases.add(
                "CreateException.Run(source=RunException.Exchange(source=ExchangeException.Session(source=" +
                    "SessionException.$forged)))",
                "the custodian's part does not hold: the answer is not signed by the pinned custodian: " +
                    "the custodian did not sign this",
            ) { there.client(pinned = user.custodian.identity).createWallet(BOTH_CURVES) }
            cases.add(
                "DrillException.Open(source=OpenBackupException.State(source=StateException.Read(source=" +
                    "ReadException.NotFound)))",
                "the custodian did not give the wallet's state: not found",
            ) { there.client(device, pinned = user.custodian.identity).drill(wallet, code) }
            cases.add(
                "RecoverException.Open(source=OpenBackupException.State(source=StateException.$forged))",
                "the state is not signed by the wallet's custodian: the custodian did not sign this",
            ) { at(pinned = stranger.identity).recover(wallet, Recovery(code)) }
            cases.check()
            assertEquals(emptyList<WalletId>(), there.client().wallets())
            goesOn(wallet)
        }
    }
}
