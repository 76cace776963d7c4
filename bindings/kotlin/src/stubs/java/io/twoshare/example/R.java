package io.twoshare.example;

/** What Android's tools make of the sample's resources. */
public final class R {
    private R() {}

    public static final class string {
        private string() {}

        public static final int custodian_url = 1;
        public static final int custodian_key = 2;
        public static final int custodian_user = 3;
        public static final int custodian_token = 4;
    }
}
