package io.twoshare.example

import io.twoshare.CheckCode
import io.twoshare.Client
import io.twoshare.CurveId
import io.twoshare.Following
import io.twoshare.Level
import io.twoshare.Method
import io.twoshare.Recovered
import io.twoshare.Recovery
import io.twoshare.WalletId
import io.twoshare.following
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** What the one screen shows. */
data class Screen(
    /** The wallet on this phone. */
    val wallet: WalletId? = null,
    /** The code that every phone with this wallet shows: the user keeps it. */
    val checkCode: CheckCode? = null,
    /** A wallet that can be recovered, where this phone has none. */
    val recoverable: WalletId? = null,
    /** What is going on. */
    val busy: String? = null,
    /** How the last thing went. */
    val said: String = "",
)

/** What the screen does: back up, drill, recover. It knows nothing of views. */
class WalletModel(private val scope: CoroutineScope, private val open: suspend () -> Client) {
    private val state = MutableStateFlow(Screen())
    private var client: Client? = null
    private var job: Job? = null

    val screen: StateFlow<Screen> = state

    /** At every start: whatever was interrupted is finished or given up first. */
    fun start() = run("Starting") { client ->
        client.walletsHere().forEach { client.resume(it) }
        show(client)
        "Ready"
    }

    /** Makes a wallet where this phone has none, and backs it up. */
    fun backUp(password: String) = run("Backing up") { client ->
        val method = Method.password(password)
        val wallet =
            state.value.wallet
                ?: client.createWallet(listOf(CurveId.SECP256K1, CurveId.ED25519), "Example").use { it.id() }
                    // It is here, whatever becomes of its backup.
                    .also { show(client) }
        client.following { backup(wallet, listOf(method)) }.collect {
            if (it is Following.Step) state.update { screen -> screen.copy(busy = "${it.progressed.step}") }
        }
        show(client)
        "Backed up. Keep the check code."
    }

    /** Proves that a recovery would succeed. */
    fun drill(password: String) = run("Drilling") { client ->
        val wallet = state.value.wallet ?: return@run "There is nothing to drill."
        val drill = client.drill(wallet, Method.password(password))
        if (drill.level == Level.MATCHES) "The backup can be recovered." else "Part of the backup is there."
    }

    /** Brings the wallet back on a new phone. */
    fun recover(password: String) = run("Recovering") { client ->
        val wallet = state.value.recoverable ?: return@run "There is nothing to recover."
        when (val recovered = client.recover(wallet, Recovery(Method.password(password)))) {
            is Recovered.Done -> {
                recovered.wallet.close()
                show(client)
                "Recovered. Compare the check code."
            }
            is Recovered.Waiting -> "Try again later: the operator lets everybody wait."
        }
    }

    /** Stops what is going on: the last backup is as it was. */
    fun cancel() {
        job?.cancel()
    }

    private suspend fun show(client: Client) {
        val here = client.walletsHere().firstOrNull()
        val code = here?.let { id -> client.wallet(id).use { it.checkCode() } }
        val recoverable = if (here == null) client.wallets().firstOrNull() else null
        state.update { it.copy(wallet = here, checkCode = code, recoverable = recoverable) }
    }

    private fun run(what: String, work: suspend (Client) -> String): Job? {
        if (job?.isActive == true) return null
        job = scope.launch {
            state.update { it.copy(busy = what, said = "") }
            val said =
                try {
                    work(client ?: open().also { client = it })
                } catch (cancelled: CancellationException) {
                    state.update { it.copy(busy = null, said = "Cancelled") }
                    throw cancelled
                } catch (error: Exception) {
                    // Every error says what is wrong; an app matches the ones that it has more to say about.
                    error.message ?: "$error"
                }
            state.update { it.copy(busy = null, said = said) }
        }
        return job
    }
}
