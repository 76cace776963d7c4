package io.twoshare.example

import android.app.Activity
import android.content.Context
import android.os.Bundle
import android.text.InputType
import android.view.View
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import io.twoshare.Client
import io.twoshare.ClientConfig
import io.twoshare.CustodianIdentity
import io.twoshare.Device
import io.twoshare.HttpConfig
import io.twoshare.HttpCustodian
import io.twoshare.TokenProvider
import io.twoshare.UrlTransport
import io.twoshare.android.openPhone
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** One screen: back up, drill, recover. */
class MainActivity : Activity() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val app = applicationContext
        val model = model ?: WalletModel(lasting) { open(app) }.also { model = it }
        val password = EditText(this)
        password.inputType = InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD
        val text = TextView(this)
        val screen = LinearLayout(this)
        screen.orientation = LinearLayout.VERTICAL
        fun button(name: String, press: () -> Unit) =
            Button(this).also {
                it.text = name
                it.setOnClickListener { press() }
                screen.addView(it)
            }
        screen.addView(password)
        val entered = { password.text.toString().also { password.text.clear() } }
        val backUp = button("Back up") { model.backUp(entered()) }
        val drill = button("Drill") { model.drill(entered()) }
        val recover = button("Recover") { model.recover(entered()) }
        val cancel = button("Cancel") { model.cancel() }
        screen.addView(text)
        setContentView(screen)
        scope.launch {
            model.screen.collect {
                drill.isEnabled = it.busy == null && it.wallet != null
                backUp.isEnabled = it.busy == null && it.recoverable == null
                recover.isEnabled = it.busy == null && it.recoverable != null
                cancel.visibility = if (it.busy == null) View.GONE else View.VISIBLE
                text.text = it.busy ?: listOfNotNull(it.said, it.checkCode).joinToString("\n")
            }
        }
        model.start()
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private companion object {
        // One for the process: turning the phone makes a new activity, and stops no backup.
        var model: WalletModel? = null
        val lasting = CoroutineScope(SupervisorJob() + Dispatchers.Main)
    }
}

private suspend fun open(app: Context): Client {
    val custodian =
        HttpCustodian(
            HttpConfig(
                url = app.getString(R.string.custodian_url),
                transport = UrlTransport(),
                // An app asks its own backend, which knows who has signed in.
                tokens = object : TokenProvider {
                    override suspend fun token(refused: String?) = app.getString(R.string.custodian_token)
                },
                // The emulator reaches the machine that it runs on without TLS. Leave this out.
                hazmatPlainHttp = true,
            ),
        )
    return Client(
        ClientConfig(
            custodian = custodian,
            pinned = CustodianIdentity.parse(app.getString(R.string.custodian_key)),
            user = app.getString(R.string.custodian_user),
            device = Device.File(openPhone(app)),
        ),
    )
}
