package io.twoshare

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import java.io.InputStream
import java.io.OutputStream
import java.security.InvalidAlgorithmParameterException
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/**
 * The Android Keystore as far as [io.twoshare.android.KeystoreKey] can tell: a provider of that name, that makes AES keys
 * and keeps them by alias. Unlike the real one it keeps them in this process, and it cannot show that they do not leave
 * it: that is the phone's to promise.
 */
object FakeKeystore {
    val keys: MutableMap<String, Pair<SecretKey, KeyGenParameterSpec>> = Collections.synchronizedMap(HashMap())
    @Volatile var hasStrongBox = true
    @Volatile var isLocked = false
    @Volatile var isInvalidated = false
    @Volatile var isBroken = false

    /** A phone that has just been unpacked. */
    fun reset() {
        if (Security.getProvider(NAME) == null) Security.addProvider(FakeProvider())
        keys.clear()
        hasStrongBox = true
        isLocked = false
        isInvalidated = false
        isBroken = false
    }

    const val NAME = "AndroidKeyStore"
}

class FakeProvider : Provider(FakeKeystore.NAME, "1", "for tests") {
    init {
        put("KeyStore.${FakeKeystore.NAME}", FakeKeyStoreSpi::class.java.name)
        put("KeyGenerator.AES", FakeKeyGeneratorSpi::class.java.name)
    }
}

class FakeKeyGeneratorSpi : KeyGeneratorSpi() {
    private var spec: KeyGenParameterSpec? = null

    override fun engineInit(random: SecureRandom?) = throw UnsupportedOperationException()

    override fun engineInit(size: Int, random: SecureRandom?) = throw UnsupportedOperationException()

    override fun engineInit(params: AlgorithmParameterSpec?, random: SecureRandom?) {
        spec = params as? KeyGenParameterSpec ?: throw InvalidAlgorithmParameterException()
    }

    override fun engineGenerateKey(): SecretKey {
        val spec = checkNotNull(spec)
        if (spec.isStrongBoxBacked && !FakeKeystore.hasStrongBox) throw StrongBoxUnavailableException()
        check(spec.keySize == 256 && spec.blockModes.contentEquals(arrayOf(KeyProperties.BLOCK_MODE_GCM)))
        check(spec.encryptionPaddings.contentEquals(arrayOf(KeyProperties.ENCRYPTION_PADDING_NONE)))
        val key = SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "AES")
        FakeKeystore.keys[spec.keystoreAlias] = key to spec
        return key
    }
}

class FakeKeyStoreSpi : KeyStoreSpi() {
    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        // The real one says so when the key is used; to whoever waits for the key it is the same.
        if (FakeKeystore.isBroken) throw UnrecoverableKeyException()
        val (key, spec) = FakeKeystore.keys[alias] ?: return null
        if (FakeKeystore.isInvalidated) throw KeyPermanentlyInvalidatedException()
        if (FakeKeystore.isLocked && spec.isUnlockedDeviceRequired) throw UserNotAuthenticatedException()
        return key
    }

    override fun engineDeleteEntry(alias: String) {
        FakeKeystore.keys.remove(alias)
    }

    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

    override fun engineContainsAlias(alias: String) = alias in FakeKeystore.keys

    override fun engineSize() = FakeKeystore.keys.size

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(FakeKeystore.keys.keys)

    override fun engineIsKeyEntry(alias: String) = engineContainsAlias(alias)

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineIsCertificateEntry(alias: String) = false

    override fun engineGetCertificateAlias(cert: Certificate?): String? = null

    override fun engineSetKeyEntry(alias: String?, key: Key?, password: CharArray?, chain: Array<out Certificate>?) =
        throw UnsupportedOperationException()

    override fun engineSetKeyEntry(alias: String?, key: ByteArray?, chain: Array<out Certificate>?) =
        throw UnsupportedOperationException()

    override fun engineSetCertificateEntry(alias: String?, cert: Certificate?) = throw UnsupportedOperationException()

    override fun engineStore(stream: OutputStream?, password: CharArray?) = throw UnsupportedOperationException()
}
