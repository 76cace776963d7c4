package io.twoshare

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A custodian whose database was put back from an old copy. */
class RestoredTest {
    private val before = Custodian()
    private val user = User(before)
    private val code = makeCode()
    private val store = OwnStore()
    private val device = Device.Memory(MemoryDevice())
    private lateinit var custodian: Custodian

    @AfterEach
    fun close() {
        before.close()
        if (::custodian.isInitialized) custodian.close()
    }

    private fun at(custodian: Custodian, device: Device = Device.Memory(MemoryDevice())): Client =
        User(custodian, user.name).client(device, stores = listOf(store.named("mine")))

    @Test
    fun `nothing goes on but what its operator approves`() = test {
        val wallet = at(before, device).backedUp(code)
        val keys = at(before, device).wallet(wallet).keys
        custodian = before.restored(before.copy())
        assertEquals(before.identity, custodian.identity)
        val phone = at(custodian, device)
        // The device has seen nothing that the copy has not: it says what holds the wallet.
        val status = phone.status(wallet)
        assertEquals(Freezes(null, false, Restored.AWAITS_APPROVAL), status.frozen)
        assertEquals(Recoverable.BY_OPERATOR, status.recoverable)
        assertEquals(Level.MATCHES, phone.drill(wallet, code).level)
        fun frozen(restored: Restored) =
            "RunException.Exchange(source=ExchangeException.Prepare(source=PrepareException.Refused(source=" +
                "PrepareRefusal.Frozen(freezes=Freezes(dispute=null, operator=false, restored=$restored)))))"
        val text = "the custodian did not prepare the new epoch: the wallet is frozen; ask the operator of the custodian"
        val cases = Cases()
        cases.add("RefreshException.Run(source=${frozen(Restored.AWAITS_APPROVAL)})", text) { phone.refresh(wallet, code) }
        cases.add(
            "RecoverException.Open(source=OpenBackupException.Restored(custodian=1))",
            "the custodian was restored from a copy, which has epoch 1",
        ) { at(custodian).recover(wallet, Recovery(code)) }
        cases.check()
        val approved = makeOperationId()
        val another = makeOperationId()
        custodian.operator(
            "approve", "--user", user.name, "--wallet", wallet.text, "--operation", approved.text,
        )
        val other = Cases()
        other.add("RecoverException.Run(source=${frozen(Restored.APPROVED)})", text) {
            at(custodian).recover(wallet, Recovery(code, approved = another))
        }
        other.check()
        val next = at(custodian)
        val recovered = next.recover(wallet, Recovery(code, approved = approved)) as Recovered.Done
        assertEquals(keys, recovered.wallet.keys)
        assertEquals(null, next.status(wallet).frozen)
        next.refresh(wallet, code)
        assertEquals(Resumed.Revoked, phone.resume(wallet))
    }

    @Test
    fun `a device that has seen more says so`() = test {
        val client = at(before, device)
        val wallet = client.backedUp(code)
        val old = before.copy()
        client.refresh(wallet, code)
        custodian = before.restored(old)
        val phone = at(custodian, device)
        val cases = Cases()
        val rolledBack = "OpenBackupException.RolledBack(custodian=1, seen=2)"
        val text = "the custodian has gone back to epoch 1; this device has seen 2"
        cases.add("DrillException.Open(source=$rolledBack)", text) { phone.drill(wallet, code) }
        cases.add("RefreshException.Open(source=$rolledBack)", text) { phone.refresh(wallet, code) }
        cases.add("EjectException.Open(source=$rolledBack)", text) { phone.eject(wallet, code) }
        cases.add("$rolledBack", text) { phone.open(wallet, code) }
        cases.check()
        assertTrue(phone.status(wallet).hazards.contains(Hazard.CustodianRolledBack(1u, 2u)))

        // Every method is forgotten: the device makes a new backup, approved.
        val approved = makeOperationId()
        custodian.operator(
            "approve", "--user", user.name, "--wallet", wallet.text, "--operation", approved.text,
        )
        val another = makeCode()
        val replaced = phone.replaceApproved(wallet, listOf(another), approved)
        // No number is given out again.
        assertEquals(3UL, replaced.envelope.epoch)
        assertEquals(Level.MATCHES, phone.drill(wallet, another).level)
        assertTrue(at(custodian).recover(wallet, Recovery(another)) is Recovered.Done)
    }

    @Test
    fun `a wallet that the copy does not know`() = test {
        val old = before.copy()
        val client = at(before, device)
        val wallet = client.backedUp(code)
        custodian = before.restored(old)
        val cases = Cases()
        cases.add(
            "DrillException.Open(source=OpenBackupException.State(source=StateException.Read(source=" +
                "ReadException.NotFound)))",
            "the custodian did not give the wallet's state: not found",
        ) { at(custodian, device).drill(wallet, code) }
        cases.check()
    }
}
