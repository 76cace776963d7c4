package io.twoshare.android

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.StandardOpenOption
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.ProviderException
import java.security.SecureRandom
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/** Why the key of this device is not there. */
public sealed class DeviceKeyException(message: String, cause: Throwable?) : Exception(message, cause) {
    /** The phone is locked: try again when the user has unlocked it. */
    public class Locked internal constructor(cause: Throwable) :
        DeviceKeyException("the phone is locked", cause)

    /**
     * The Keystore does not have the key any more that this device's key is wrapped with, or the file is of another
     * phone, or damaged: nothing opens what this device keeps. [KeystoreKey.forget] it, and recover the wallets.
     */
    public class Lost internal constructor(cause: Throwable?) :
        DeviceKeyException("the phone does not have the key of its wallets any more", cause)

    /** The Keystore or the storage failed: see the cause, and try again. */
    public class Failed internal constructor(cause: Throwable) :
        DeviceKeyException("the phone's key store failed", cause)
}

/**
 * A 32-byte key of this phone: made once, kept in a file, wrapped with AES-256-GCM by a key which never leaves the
 * Android Keystore (StrongBox where the phone has one) and works only while the phone is unlocked. A copy of the
 * file is worth nothing on any other phone.
 *
 * Its calls block for as long as the Keystore takes: make them off the main thread.
 *
 * @param file where the wrapped key is kept: in `noBackupFilesDir`.
 * @param alias the Keystore's name of what wraps it.
 */
public class KeystoreKey(private val file: File, private val alias: String) {
    /** The key, which is made and kept where there is none yet. Fill it with zeros after use. */
    @Throws(DeviceKeyException::class)
    public fun open(): ByteArray = synchronized(ONE_AT_A_TIME) {
        typed { if (file.exists()) unwrap(file.readBytes()) else make() }
    }

    /** Makes the phone have no such key any more. What was kept under it is opened by nobody after this. */
    @Throws(DeviceKeyException::class)
    public fun forget(): Unit = synchronized(ONE_AT_A_TIME) {
        typed {
            keystore().deleteEntry(alias)
            if (!file.delete() && file.exists()) throw IOException("a file could not be deleted")
        }
    }

    private fun make(): ByteArray {
        val key = ByteArray(KEY_BYTES).also(SecureRandom()::nextBytes)
        // An entry without a file is of a first start that was interrupted: nothing is wrapped with it.
        keystore().deleteEntry(alias)
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, makeWrappingKey())
        cipher.updateAAD(LABEL)
        val sealed = cipher.doFinal(key)
        write(byteArrayOf(VERSION) + cipher.iv + sealed)
        return key
    }

    private fun unwrap(kept: ByteArray): ByteArray {
        if (kept.size != 1 + IV_BYTES + KEY_BYTES + TAG_BYTES || kept[0] != VERSION) {
            throw DeviceKeyException.Lost(null)
        }
        val wrapping = keystore().getKey(alias, null) as? SecretKey ?: throw DeviceKeyException.Lost(null)
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.DECRYPT_MODE, wrapping, GCMParameterSpec(8 * TAG_BYTES, kept, 1, IV_BYTES))
        cipher.updateAAD(LABEL)
        return cipher.doFinal(kept, 1 + IV_BYTES, KEY_BYTES + TAG_BYTES)
    }

    private fun makeWrappingKey(): SecretKey {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.P) return generate(spec().build())
        return try {
            generate(spec().setUnlockedDeviceRequired(true).setIsStrongBoxBacked(true).build())
        } catch (_: StrongBoxUnavailableException) {
            generate(spec().setUnlockedDeviceRequired(true).build())
        }
    }

    private fun spec() =
        KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
            .setKeySize(256)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)

    private fun generate(spec: KeyGenParameterSpec): SecretKey =
        KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE).apply { init(spec) }.generateKey()

    /** The file is there as a whole, or not at all. */
    private fun write(bytes: ByteArray) {
        val folder = file.absoluteFile.parentFile ?: throw IOException("the file has no folder")
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("a folder could not be made")
        val partial = File(folder, file.name + ".partial")
        FileOutputStream(partial).use {
            it.write(bytes)
            it.fd.sync()
        }
        if (!partial.renameTo(file)) throw IOException("a file could not be renamed")
        // Before anything is sealed under the key: that it is there survives a loss of power.
        FileChannel.open(folder.toPath(), StandardOpenOption.READ).use { it.force(true) }
    }

    private fun keystore(): KeyStore = KeyStore.getInstance(KEYSTORE).apply { load(null) }

    private fun <T> typed(work: () -> T): T =
        try {
            work()
        } catch (error: GeneralSecurityException) {
            throw when (error) {
                is KeyPermanentlyInvalidatedException,
                is UnrecoverableKeyException,
                is AEADBadTagException -> DeviceKeyException.Lost(error)
                is UserNotAuthenticatedException -> DeviceKeyException.Locked(error)
                else -> DeviceKeyException.Failed(error)
            }
        } catch (error: ProviderException) {
            throw DeviceKeyException.Failed(error)
        } catch (error: IOException) {
            throw DeviceKeyException.Failed(error)
        }

    private companion object {
        const val KEYSTORE = "AndroidKeyStore"
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val VERSION: Byte = 1
        const val KEY_BYTES = 32
        const val IV_BYTES = 12
        const val TAG_BYTES = 16
        val LABEL = "twoshare/v1/device-key".toByteArray()
        val ONE_AT_A_TIME = Any()
    }
}
