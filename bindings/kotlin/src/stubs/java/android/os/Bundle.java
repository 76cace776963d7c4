package android.os;

/** So much of Android's as the sample uses. */
public final class Bundle {}
