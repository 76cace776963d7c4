package android.text;

/** So much of Android's as the sample uses. */
public interface Editable extends CharSequence {
    void clear();
}
