/**
 * Makes a backup, or recovers one: what a backup that was made in one language is recovered with in another.
 *
 * ```
 * relay make|recover --custodian URL --custodian-key KEY --token-file F --device DIR --password-file P [--wallet ID]
 * ```
 *
 * prints `{"wallet":…,"check_code":…,"keys":[…]}`, or the error on standard error and ends with 1.
 */
package io.twoshare.relay

import io.twoshare.Client
import io.twoshare.ClientConfig
import io.twoshare.CurveId
import io.twoshare.CustodianIdentity
import io.twoshare.Device
import io.twoshare.FileDevice
import io.twoshare.HttpConfig
import io.twoshare.HttpCustodian
import io.twoshare.Method
import io.twoshare.Recovered
import io.twoshare.Recovery
import io.twoshare.TokenProvider
import io.twoshare.UrlTransport
import io.twoshare.Wallet
import io.twoshare.WalletId
import io.twoshare.hex
import java.io.File
import kotlin.system.exitProcess

suspend fun main(args: Array<String>) {
    try {
        println(relay(args.toList()))
    } catch (error: Exception) {
        System.err.println(error.message ?: error)
        exitProcess(1)
    }
    // The library's threads are not waited for.
    exitProcess(0)
}

/** What the command prints. */
suspend fun relay(args: List<String>): String {
    val options = args.drop(1).chunked(2).associate { it.first() to it.last() }
    fun option(name: String) = requireNotNull(options["--$name"]) { "--$name is missing" }
    val token = File(option("token-file")).readText().trim()
    val tokens =
        object : TokenProvider {
            override suspend fun token(refused: String?) = token
        }
    val custodian = HttpCustodian(HttpConfig(option("custodian"), UrlTransport(), tokens))
    val client =
        Client(
            ClientConfig(
                custodian = custodian,
                pinned = CustodianIdentity.parse(option("custodian-key")),
                user = custodian.user().user,
                device = Device.File(FileDevice.open(option("device"))),
            ),
        )
    val password = Method.password(File(option("password-file")).readText().trimEnd('\n'))
    val wallet =
        when (val verb = args.firstOrNull()) {
            "make" -> make(client, password)
            "recover" -> recover(client, WalletId.parse(option("wallet")), password)
            else -> throw IllegalArgumentException("make or recover, not $verb")
        }
    val keys = wallet.verifyingKeys().joinToString(",") { "\"${it.hex}\"" }
    return """{"wallet":"${wallet.id()}","check_code":"${wallet.checkCode()}","keys":[$keys]}"""
}

private suspend fun make(client: Client, password: Method): Wallet {
    val wallet = client.createWallet(listOf(CurveId.SECP256K1, CurveId.ED25519))
    client.backup(wallet.id(), listOf(password))
    return wallet
}

private suspend fun recover(client: Client, wallet: WalletId, password: Method): Wallet =
    when (val recovered = client.recover(wallet, Recovery(password))) {
        is Recovered.Done -> recovered.wallet
        is Recovered.Waiting -> error("the operator lets everybody wait until ${recovered.waiting.readyAt}")
    }
