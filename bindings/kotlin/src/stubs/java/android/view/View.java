package android.view;

import android.content.Context;

/** So much of Android's as the sample uses. */
public class View {
    public static final int VISIBLE = 0;
    public static final int GONE = 8;

    public View(Context context) {}

    public interface OnClickListener {
        void onClick(View view);
    }

    public void setOnClickListener(OnClickListener listener) {}

    public void setEnabled(boolean enabled) {}

    public boolean isEnabled() {
        return true;
    }

    public void setVisibility(int visibility) {}

    public int getVisibility() {
        return VISIBLE;
    }
}
