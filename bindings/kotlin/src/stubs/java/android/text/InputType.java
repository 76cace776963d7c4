package android.text;

/** So much of Android's as the sample uses. */
public interface InputType {
    int TYPE_CLASS_TEXT = 1;
    int TYPE_TEXT_VARIATION_PASSWORD = 128;
}
