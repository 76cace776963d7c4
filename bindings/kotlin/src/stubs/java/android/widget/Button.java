package android.widget;

import android.content.Context;

/** So much of Android's as the sample uses. */
public class Button extends TextView {
    public Button(Context context) {
        super(context);
    }
}
