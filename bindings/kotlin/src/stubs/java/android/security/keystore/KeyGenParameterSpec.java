package android.security.keystore;

import java.security.spec.AlgorithmParameterSpec;

/** So much of Android's as twoshare uses. */
public final class KeyGenParameterSpec implements AlgorithmParameterSpec {
    private final Builder from;

    private KeyGenParameterSpec(Builder from) {
        this.from = from;
    }

    public String getKeystoreAlias() {
        return from.alias;
    }

    public int getPurposes() {
        return from.purposes;
    }

    public int getKeySize() {
        return from.keySize;
    }

    public String[] getBlockModes() {
        return from.blockModes;
    }

    public String[] getEncryptionPaddings() {
        return from.encryptionPaddings;
    }

    public boolean isUnlockedDeviceRequired() {
        return from.unlockedDeviceRequired;
    }

    public boolean isStrongBoxBacked() {
        return from.strongBoxBacked;
    }

    public static final class Builder {
        private final String alias;
        private final int purposes;
        private int keySize;
        private String[] blockModes = {};
        private String[] encryptionPaddings = {};
        private boolean unlockedDeviceRequired;
        private boolean strongBoxBacked;

        public Builder(String keystoreAlias, int purposes) {
            this.alias = keystoreAlias;
            this.purposes = purposes;
        }

        public Builder setKeySize(int keySize) {
            this.keySize = keySize;
            return this;
        }

        public Builder setBlockModes(String... blockModes) {
            this.blockModes = blockModes;
            return this;
        }

        public Builder setEncryptionPaddings(String... paddings) {
            this.encryptionPaddings = paddings;
            return this;
        }

        public Builder setUnlockedDeviceRequired(boolean required) {
            this.unlockedDeviceRequired = required;
            return this;
        }

        public Builder setIsStrongBoxBacked(boolean isStrongBoxBacked) {
            this.strongBoxBacked = isStrongBoxBacked;
            return this;
        }

        public KeyGenParameterSpec build() {
            return new KeyGenParameterSpec(this);
        }
    }
}
