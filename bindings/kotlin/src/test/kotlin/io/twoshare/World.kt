package io.twoshare

import java.io.File
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** The folder with the commands and the library, which the task that runs the tests has built. */
val BINARIES = File(checkNotNull(System.getenv("TWOSHARE_BIN_DIR")) { "run by `cargo xtask kotlin`" })

/** Far beyond what anything here takes: a test that hangs fails. */
fun test(work: suspend CoroutineScope.() -> Unit) =
    runBlocking(Dispatchers.Default) { withTimeout(120_000) { work() } }

/** A folder that ends with the tests. */
fun temporary(name: String): File =
    Files.createTempDirectory("twoshare-$name").toFile().also { folder ->
        Runtime.getRuntime().addShutdownHook(Thread { folder.deleteRecursively() })
    }

/** A custodian: the real one, in a process of its own. */
class Custodian private constructor(private val data: File, options: Array<out String>) : AutoCloseable {
    private val server =
        ProcessBuilder(binary("twoshare-custodian"), "serve", "--data", "$data", "--listen", "127.0.0.1:0", *options)
            .redirectError(File(data.parentFile, data.name + ".log").apply { deleteOnExit() })
            .start()
    val url: String
    val identity: CustodianIdentity

    init {
        Runtime.getRuntime().addShutdownHook(Thread(server::destroyForcibly))
        val said = server.inputStream.bufferedReader().readLine() ?: error("the custodian did not start")
        url = member(said, "listening")
        identity = CustodianIdentity.parse(member(said, "identity"))
    }

    constructor(vararg options: String) : this(temporary("custodian"), options)

    fun token(user: String): String = operator("session", "--user", user).trim()

    /** What its operator does. */
    fun operator(command: String, vararg args: String): String =
        output(binary("twoshare-custodian"), command, "--data", "$data", *args)

    /** A copy of its database, as its operator keeps them. */
    fun copy(): File = temporary("copy").also { operator("backup", "--out", "$it") }

    /** It is gone, and what its operator makes of this copy. */
    fun restored(copy: File): Custodian {
        close()
        File(data, "master.key").copyTo(File(copy, "master.key"))
        Files.setPosixFilePermissions(File(copy, "master.key").toPath(), PosixFilePermissions.fromString("rw-------"))
        return Custodian(copy, arrayOf("--restored"))
    }

    override fun close() {
        server.destroyForcibly().waitFor()
    }

    companion object {
        /** One for all tests that do not ask for something special. */
        val shared: Custodian by lazy { Custodian() }
    }
}

fun binary(name: String): String = File(BINARIES, name).path

fun output(vararg command: String): String {
    val process = ProcessBuilder(*command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    process.outputStream.close()
    val said = process.inputStream.bufferedReader().readText()
    check(process.waitFor(120, TimeUnit.SECONDS)) { "${command.asList()} hangs" }
    check(process.exitValue() == 0) { "${command.asList()} ended with ${process.exitValue()}" }
    return said
}

/** A member of a JSON object that is a string. */
fun member(json: String, name: String): String =
    Regex("\"$name\":\"([^\"]*)\"").find(json)?.groupValues?.get(1) ?: error("no $name in $json")

/** A user of a custodian, with as many phones as there are. */
class User(val custodian: Custodian = Custodian.shared, val name: String = "user-${COUNT.incrementAndGet()}") {
    private val token = custodian.token(name)
    val tokens = object : TokenProvider {
        override suspend fun token(refused: String?): String = token
    }

    fun custodian(
        transport: HttpTransport = UrlTransport(),
        tokens: TokenProvider = this.tokens,
        retry: Retry? = null,
    ) = HttpCustodian(HttpConfig(custodian.url, transport, tokens, retry))

    fun client(
        device: Device = Device.Memory(MemoryDevice()),
        custodian: HttpCustodian = custodian(),
        stores: List<NamedPlace> = emptyList(),
        pinned: CustodianIdentity? = this.custodian.identity,
    ) = Client(ClientConfig(custodian, pinned, name, device, stores))

    private companion object {
        val COUNT = AtomicInteger()
    }
}

/** Good enough for every check, and different from the other one. */
const val PASSWORD = "orbit-velvet-93-lantern"
const val OTHER_PASSWORD = "copper-thimble-41-meadow"

val BOTH_CURVES = listOf(CurveId.SECP256K1, CurveId.ED25519)

/** A wallet with a backup under [PASSWORD]. */
suspend fun Client.backedUp(curves: List<CurveId> = BOTH_CURVES): WalletId =
    Method.password(PASSWORD).use { backedUp(it, curves) }

/** A wallet with a backup under this. A code takes no stretching, and so less time than a password. */
suspend fun Client.backedUp(method: Method, curves: List<CurveId> = BOTH_CURVES): WalletId {
    val wallet = createWallet(curves).use { it.id() }
    backup(wallet, listOf(method))
    return wallet
}

fun makeCode(): Method = RecoveryCode.make().use { Method.recoveryCode(it) }

/** The wallet's public keys, to be compared. */
val Wallet.keys: List<String>
    get() = verifyingKeys().map { it.hex }

/** The error of this type that this throws, and no other. */
inline fun <reified E : Throwable> fails(work: () -> Unit): E {
    try {
        work()
    } catch (error: Throwable) {
        return error as? E ?: throw AssertionError("${E::class.simpleName} was expected", error)
    }
    throw AssertionError("${E::class.simpleName} was expected, and nothing was thrown")
}
