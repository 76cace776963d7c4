package io.twoshare

import java.io.File
import kotlin.system.exitProcess
import kotlinx.coroutines.awaitCancellation

/** Refreshes a backup; at the moment that is named, says so and goes no further. */
suspend fun main(args: Array<String>) {
    val (url, key, user, token, device) = args
    val (wallet, moment) = args.drop(5)
    val (side, where) = moment.split(" ")
    val transport =
        object : HttpTransport {
            val inner = UrlTransport()

            override suspend fun send(request: HttpRequest): HttpResponse {
                if (where !in request.url || request.method == HttpMethod.GET) return inner.send(request)
                if (side == "after") inner.send(request)
                println("now")
                awaitCancellation()
            }
        }
    val tokens =
        object : TokenProvider {
            override suspend fun token(refused: String?) = File(token).readText()
        }
    val custodian = HttpCustodian(HttpConfig(url, transport, tokens))
    val config = ClientConfig(custodian, CustodianIdentity.parse(key), user, Device.File(FileDevice.open(device)))
    Client(config).refresh(WalletId.parse(wallet), Method.password(PASSWORD))
    exitProcess(3)
}
