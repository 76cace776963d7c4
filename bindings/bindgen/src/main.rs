//! Writes the Swift, Kotlin and Python sides of `twoshare-ffi` from what its library says of itself.
//! `cargo xtask` calls it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
