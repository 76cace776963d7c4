package android.widget;

import android.content.Context;
import android.text.Editable;

/** So much of Android's as the sample uses. */
public class EditText extends TextView {
    public EditText(Context context) {
        super(context);
    }

    @Override
    public Editable getText() {
        throw new UnsupportedOperationException("a stub");
    }
}
