package io.twoshare

/** The key as hexadecimal digits: what shows it, and what it is compared by, since arrays compare by identity. */
public val VerifyingKey.hex: String
    get() = bytes.joinToString("") { "%02x".format(it) }
