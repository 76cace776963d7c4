package io.twoshare

import android.content.Context
import android.os.Build
import io.twoshare.android.DeviceKeyException
import io.twoshare.android.KeystoreKey
import io.twoshare.android.forgetPhone
import io.twoshare.android.openPhone
import java.io.File
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test

/** A phone that is a folder. */
class FakeContext(private val folder: File = temporary("phone")) : Context() {
    override fun getNoBackupFilesDir(): File = folder.resolve("no_backup").apply { mkdirs() }

    override fun getString(resId: Int): String = throw UnsupportedOperationException()
}

/** What of the Android code is not Android's: over a Keystore that is a double. */
class PhoneTest {
    private val context = FakeContext()
    private val file = context.noBackupFilesDir.resolve("twoshare/k.key")
    private val key = KeystoreKey(file, "k")

    @BeforeEach
    fun unpack() = FakeKeystore.reset()

    @AfterEach
    fun today() {
        Build.VERSION.SDK_INT = 34
    }

    @Test
    fun `the key is made once and comes back`() {
        val made = key.open()
        assertEquals(32, made.size)
        assertArrayEquals(made, KeystoreKey(file, "k").open())
        // It is not there in plain.
        assertFalse(file.readBytes().asList().windowed(32).any { it == made.asList() })
        assertEquals(listOf(file.name), file.parentFile.list()?.toList())
    }

    @Test
    fun `what wraps it works in an unlocked phone only and is in StrongBox where there is one`() {
        key.open()
        val (_, spec) = FakeKeystore.keys.getValue("k")
        assertTrue(spec.isStrongBoxBacked && spec.isUnlockedDeviceRequired)

        FakeKeystore.reset()
        FakeKeystore.hasStrongBox = false
        KeystoreKey(file.resolveSibling("other"), "k").open()
        val (_, without) = FakeKeystore.keys.getValue("k")
        assertTrue(!without.isStrongBoxBacked && without.isUnlockedDeviceRequired)
    }

    @Test
    fun `a phone from before knows neither`() {
        Build.VERSION.SDK_INT = 27
        val made = key.open()
        val (_, spec) = FakeKeystore.keys.getValue("k")
        assertFalse(spec.isStrongBoxBacked || spec.isUnlockedDeviceRequired)
        assertArrayEquals(made, key.open())
    }

    @Test
    fun `whatever is wrong has a type of its own`() {
        key.open()
        FakeKeystore.isLocked = true
        assertEquals("the phone is locked", fails<DeviceKeyException.Locked> { key.open() }.message)
        FakeKeystore.isLocked = false
        FakeKeystore.isInvalidated = true
        fails<DeviceKeyException.Lost> { key.open() }
        FakeKeystore.isInvalidated = false
        FakeKeystore.isBroken = true
        fails<DeviceKeyException.Lost> { key.open() }
        FakeKeystore.isBroken = false
        key.open()

        // Damaged, of another version, cut off.
        val whole = file.readBytes()
        for (index in listOf(0, 1, whole.size - 1)) {
            file.writeBytes(whole.copyOf().also { it[index] = (it[index] + 1).toByte() })
            fails<DeviceKeyException.Lost> { key.open() }
        }
        file.writeBytes(whole.copyOf(whole.size - 1))
        fails<DeviceKeyException.Lost> { key.open() }

        // The file on another phone, whose Keystore has a key of that name.
        file.writeBytes(whole)
        FakeKeystore.keys.clear()
        val lost = fails<DeviceKeyException.Lost> { key.open() }
        assertEquals("the phone does not have the key of its wallets any more", lost.message)
        KeystoreKey(file.resolveSibling("other"), "k").open()
        fails<DeviceKeyException.Lost> { key.open() }
        assertArrayEquals(whole, file.readBytes(), "nothing was written over it")
    }

    @Test
    fun `a storage that fails is said`() {
        val blocked = file.resolveSibling("blocked").apply { parentFile.mkdirs(); writeText("a file") }
        fails<DeviceKeyException.Failed> { KeystoreKey(blocked.resolve("key"), "k").open() }
    }

    @Test
    fun `a first start that was interrupted is begun again`() {
        file.parentFile.mkdirs()
        KeystoreKey(file.resolveSibling("other"), "k").open()
        file.resolveSibling(file.name + ".partial").writeText("half a file")
        assertArrayEquals(key.open(), key.open())
    }

    @Test
    fun `forgotten it is made anew`() {
        val made = key.open()
        key.forget()
        assertFalse(file.exists() || "k" in FakeKeystore.keys)
        assertFalse(made.contentEquals(key.open()))
    }

    /** One run of the app. */
    private suspend fun <T> started(user: User, context: Context, work: suspend (Client) -> T): T =
        openPhone(context).use { phone -> user.client(Device.File(phone)).use { work(it) } }

    @Test
    fun `a phone keeps a wallet from one start to the next and in no backup`() = test {
        val user = User()
        val wallet = started(user, context) { it.createWallet(BOTH_CURVES).use(Wallet::id) }
        assertEquals(listOf(wallet), started(user, context) { it.walletsHere() })
        val kept = context.noBackupFilesDir.parentFile.walk().filter(File::isFile).toList()
        assertTrue(kept.isNotEmpty() && kept.all { it.startsWith(context.noBackupFilesDir) })
    }

    @Test
    fun `a copy of the files opens on no other phone`() = test {
        started(User(), context) { it.createWallet(BOTH_CURVES).close() }
        val copy = FakeContext()
        context.noBackupFilesDir.copyRecursively(copy.noBackupFilesDir, overwrite = true)
        FakeKeystore.keys.clear()
        fails<DeviceKeyException.Lost> { openPhone(copy) }
        // Nor with that phone's own key.
        copy.noBackupFilesDir.resolve("twoshare/wallets.key").delete()
        fails<OpenDeviceException.WrongPlatformKey> { openPhone(copy) }
    }

    @Test
    fun `a phone that lost its key forgets and recovers`() = test {
        val user = User()
        val wallet = started(user, context) { it.backedUp() }
        FakeKeystore.keys.clear()
        fails<DeviceKeyException.Lost> { openPhone(context) }
        forgetPhone(context)
        started(user, context) { client ->
            assertEquals(emptyList<WalletId>(), client.walletsHere())
            client.recover(wallet, Recovery(Method.password(PASSWORD)))
            assertEquals(listOf(wallet), client.walletsHere())
        }
    }

    @Test
    fun `names that are no names are refused`() = test {
        for (name in listOf("", "../x", "a/b", "a".repeat(65))) {
            fails<IllegalArgumentException> { openPhone(context, name) }
        }
    }
}
