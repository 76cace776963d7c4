package io.twoshare

// Ids and other texts that are checked. Each is a string in memory, and made by parsing only: what is none
// throws there, and not somewhere later.

/** Names a wallet, the same on every device and at the custodian. */
@JvmInline
public value class WalletId internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The id that this text is; throws [IdException] where it is none. */
        public fun parse(text: String): WalletId = parseWalletId(text)
    }
}

/** Names one operation, such as a recovery that waits. */
@JvmInline
public value class OperationId internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The id that this text is; throws [IdException] where it is none. */
        public fun parse(text: String): OperationId = parseOperationId(text)
    }
}

/** Names one of a backup's methods, the same in every epoch. */
@JvmInline
public value class SlotId internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The id that this text is; throws [SlotIdException] where it is none. */
        public fun parse(text: String): SlotId = parseSlotId(text)
    }
}

/**
 * Names a store: `custodian`; `dir:PATH`; `https://…` for the app's own backend; or a name of the app's own,
 * of lower-case letters, digits, `-`, `_` and `.`. It is shown to users and holds no secret.
 */
@JvmInline
public value class StoreId internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The name that this text is; throws [StoreIdException] where it is none. */
        public fun parse(text: String): StoreId = parseStoreId(text)
    }
}

/**
 * A custodian's public identity, which the app's configuration has: 112 letters and digits.
 * `twoshare-custodian serve` prints it.
 */
@JvmInline
public value class CustodianIdentity internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /**
         * The identity that this text is; throws [IdentityTextException] where it is none. Line breaks, spaces
         * and changed case do not matter.
         */
        public fun parse(text: String): CustodianIdentity = parseCustodianIdentity(text)
    }
}

/** The code that every device of a wallet shows, and that the user keeps: it stands for its public keys. */
@JvmInline
public value class CheckCode internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The code that a user has typed; throws [CheckCodeException] where it is none. */
        public fun parse(text: String): CheckCode = parseCheckCode(text)
    }
}

/** A SHA-256 digest: 64 hexadecimal digits. */
@JvmInline
public value class Digest internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The digest that this text is; throws [DigestException] where it is none. */
        public fun parse(text: String): Digest = parseDigest(text)
    }
}

/** What an object in a store is called. It is a valid file name and object key everywhere. */
@JvmInline
public value class ObjectName internal constructor(public val text: String) {
    override fun toString(): String = text

    public companion object {
        /** The name that this text is; throws [ObjectNameException] where it is none. */
        public fun parse(text: String): ObjectName = parseObjectName(text)
    }
}
