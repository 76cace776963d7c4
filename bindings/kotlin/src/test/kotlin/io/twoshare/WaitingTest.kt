package io.twoshare

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A custodian whose operator lets everybody wait, so that an owner can object. */
class WaitingTest {
    private val custodian = Custodian("--recovery-wait", "1h", "--eject-wait", "1h")
    private val user = User(custodian)
    private val code = makeCode()

    @AfterEach
    fun close() = custodian.close()

    @Test
    fun `a recovery waits, and the device objects`() = test {
        val phone = user.client()
        val wallet = phone.backedUp(code)
        val next = user.client()
        val waiting = (next.recover(wallet, Recovery(code)) as Recovered.Waiting).waiting
        // It asks again, and it is the same request.
        assertEquals(waiting, (next.recover(wallet, Recovery(code)) as Recovered.Waiting).waiting)
        assertEquals(WaitingRequest(waiting, Operation.RECOVER), phone.status(wallet).waiting)
        val cases = Cases()
        val refused = "CancelException.Refused(source=CustodianCancelException"
        val text = "the custodian did not cancel the request"
        cases.add("$refused.Refused(source=CancelRefusal.NoSuchRequest))", "$text: no such request is waiting") {
            phone.cancel(wallet, makeOperationId())
        }
        cases.check()
        phone.cancel(wallet, waiting.request)
        // Everything stands still until the operator has decided.
        val frozen = "Frozen(freezes=Freezes(dispute=${waiting.request}, operator=false, restored=null))"
        val still = "the wallet is frozen; ask the operator of the custodian"
        val disputed = Cases()
        disputed.add(
            "RefreshException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=" +
                "PrepareException.Refused(source=PrepareRefusal.$frozen))))",
            "the custodian did not prepare the new epoch: $still",
        ) { phone.refresh(wallet, code) }
        disputed.add(
            "RecoverException.Run(source=RunException.Exchange(source=ExchangeException.Prepare(source=" +
                "PrepareException.Refused(source=PrepareRefusal.$frozen))))",
            "the custodian did not prepare the new epoch: $still",
        ) { next.recover(wallet, Recovery(code)) }
        disputed.add(
            "EjectException.Refused(source=CustodianEjectException.Refused(source=ReleaseRefusal.$frozen))",
            "the custodian released nothing: $still",
        ) { phone.eject(wallet, code) }
        disputed.check()
        assertEquals(Freezes(waiting.request, false, null), phone.status(wallet).frozen)
        custodian.operator("unfreeze", "--user", user.name, "--wallet", wallet.text, "--for", "device")
        phone.refresh(wallet, code)
        assertEquals(Level.MATCHES, phone.drill(wallet, code).level)
    }

    @Test
    fun `the operator decides for the request`() = test {
        val phone = user.client()
        val wallet = phone.backedUp(code)
        val next = user.client()
        val waiting = (next.recover(wallet, Recovery(code)) as Recovered.Waiting).waiting
        phone.cancel(wallet, waiting.request)
        custodian.operator(
            "unfreeze", "--user", user.name, "--wallet", wallet.text, "--for", "request:${waiting.request.text}",
        )
        val cases = Cases()
        cases.add(
            "CancelException.Refused(source=CustodianCancelException.Refused(source=CancelRefusal.Settled))",
            "the custodian did not cancel the request: the operator has settled this request: it cannot be cancelled again",
        ) { phone.cancel(wallet, waiting.request) }
        cases.check()
    }

    @Test
    fun `an eject and a conversion wait too`() = test {
        val phone = user.client()
        val wallet = phone.backedUp(code)
        custodian.operator("eject-window", "--user", user.name, "--wallet", wallet.text)
        val eject = (phone.eject(wallet, code) as Ejected.Waiting).waiting
        assertEquals(WaitingRequest(eject, Operation.EJECT), phone.status(wallet).waiting)
        val single = phone.importWallet(listOf(Import.Key(SigningKey.make())))
        phone.backup(single.id(), listOf(code))
        val waiting = (phone.convert(single.id(), code) as Converted.Waiting).waiting
        assertEquals(WaitingRequest(waiting, Operation.CONVERT), phone.status(single.id()).waiting)
        // Meanwhile it is what it was.
        val now = phone.wallet(single.id())
        assertEquals(WalletKind.SINGLE_KEY to single.keys, now.kind() to now.keys)
        assertEquals(1, now.export().size)
        phone.refresh(single.id(), code)
    }

    @Test
    fun `a converted wallet has no whole key any more`() = test {
        val user = User()
        val phone = user.client()
        val keys = listOf(Import.Key(SigningKey.make()), Import.Key(SigningKey.make()))
        val wallet = phone.importWallet(keys)
        phone.backup(wallet.id(), listOf(code))
        val copy = Device.Memory(MemoryDevice())
        assertEquals(2, wallet.export().size)
        val said = mutableListOf<Call>()
        val told = phone.withProgress(object : ProgressListener {
            override fun step(at: Progressed) {
                said.add(at.call)
            }
        })
        val converted = (told.convert(wallet.id(), code) as Converted.Done).wallet
        assertEquals(setOf(Call.CONVERT), said.toSet())
        assertEquals(wallet.keys, converted.keys)
        assertEquals(emptyList<Exported>(), converted.export())
        assertEquals(wallet.keys, converted.signingShares().map { it.verifyingKey().hex })
        // What knew the key before still does, which is said for as long as it can matter.
        assertTrue(phone.status(wallet.id()).hazards.any { it is Hazard.KeyWasWhole })
        val cases = Cases()
        cases.add("ConvertException.AlreadyMpc", "the wallet is an MPC wallet already") { phone.convert(wallet.id(), code) }
        cases.check()
        val next = user.client(copy)
        val recovered = (next.recover(wallet.id(), Recovery(code)) as Recovered.Done).wallet
        assertEquals(WalletKind.MPC to wallet.keys, recovered.kind() to recovered.keys)
        assertTrue(next.status(wallet.id()).hazards.any { it is Hazard.KeyWasWhole })
        assertEquals(Resumed.Revoked, phone.resume(wallet.id()))
    }
}
