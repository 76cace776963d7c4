package android.widget;

import android.content.Context;
import android.view.View;

/** So much of Android's as the sample uses. */
public class TextView extends View {
    public TextView(Context context) {
        super(context);
    }

    public void setText(CharSequence text) {}

    public CharSequence getText() {
        return "";
    }

    public void setInputType(int type) {}

    public int getInputType() {
        return 0;
    }
}
