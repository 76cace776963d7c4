package android.content;

import java.io.File;

/** So much of Android's as twoshare uses. */
public abstract class Context {
    public abstract File getNoBackupFilesDir();

    public abstract String getString(int resId);
}
