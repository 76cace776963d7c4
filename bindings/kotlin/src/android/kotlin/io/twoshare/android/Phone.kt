package io.twoshare.android

import android.content.Context
import io.twoshare.FileDevice
import io.twoshare.PlatformKey
import java.io.File
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * What this phone keeps of its user's wallets: files in `noBackupFilesDir`, sealed under a key that only this phone's
 * Keystore can unwrap. Neither a cloud backup nor the transfer to a new phone has them, and a copy opens nowhere else.
 *
 * Open it once, and keep it for as long as the app runs: whoever has it keeps others out until it is closed, and every
 * client that has it too.
 *
 * @param context any of the app's.
 * @param name for apps that keep the wallets of several users apart: letters, digits, `-` and `_`.
 * @throws DeviceKeyException where the Keystore does not give the key.
 * @throws io.twoshare.OpenDeviceException where the files do not open.
 */
public suspend fun openPhone(context: Context, name: String = "wallets"): FileDevice {
    val folder = folder(context, name)
    val key = withContext(Dispatchers.IO) { key(folder, name).open() }
    try {
        return PlatformKey.fromBytes(key).use { FileDevice.openWithPlatformKey(folder.path, it) }
    } finally {
        key.fill(0)
    }
}

/**
 * Makes this phone have nothing of its user's wallets any more, readable or not: after [DeviceKeyException.Lost], or when
 * the user signs out. Wallets that are backed up can be recovered.
 */
public suspend fun forgetPhone(context: Context, name: String = "wallets") {
    val folder = folder(context, name)
    withContext(Dispatchers.IO) {
        // From here on the files are opened by nobody, should deleting them be interrupted.
        key(folder, name).forget()
        folder.deleteRecursively()
    }
}

private fun folder(context: Context, name: String): File {
    require(name.matches(Regex("[A-Za-z0-9_-]{1,64}"))) { "letters, digits, - and _" }
    return File(context.noBackupFilesDir, "twoshare/$name")
}

// Beside the folder, which is the library's own.
private fun key(folder: File, name: String) = KeystoreKey(File(folder.path + ".key"), "twoshare.$name")
