package android.app;

import android.content.Context;
import android.os.Bundle;
import android.view.View;
import java.io.File;

/** So much of Android's as the sample uses. */
public class Activity extends Context {
    protected void onCreate(Bundle savedInstanceState) {}

    protected void onDestroy() {}

    public void setContentView(View view) {}

    public Context getApplicationContext() {
        throw new UnsupportedOperationException("a stub");
    }

    @Override
    public File getNoBackupFilesDir() {
        throw new UnsupportedOperationException("a stub");
    }

    @Override
    public String getString(int resId) {
        throw new UnsupportedOperationException("a stub");
    }
}
