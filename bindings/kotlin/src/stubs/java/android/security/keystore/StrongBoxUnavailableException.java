package android.security.keystore;

import java.security.ProviderException;

/** So much of Android's as twoshare uses. */
public class StrongBoxUnavailableException extends ProviderException {
    private static final long serialVersionUID = 1;

    public StrongBoxUnavailableException() {}
}
