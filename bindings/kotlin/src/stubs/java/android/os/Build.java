package android.os;

/** So much of Android's as twoshare uses. Not final here, so that a test can be an older phone. */
public class Build {
    private Build() {}

    public static class VERSION {
        private VERSION() {}

        public static int SDK_INT = 34;
    }

    public static class VERSION_CODES {
        private VERSION_CODES() {}

        public static final int P = 28;
    }
}
