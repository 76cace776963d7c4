package android.security.keystore;

import java.security.InvalidKeyException;

/** So much of Android's as twoshare uses. */
public class KeyPermanentlyInvalidatedException extends InvalidKeyException {
    private static final long serialVersionUID = 1;

    public KeyPermanentlyInvalidatedException() {}
}
