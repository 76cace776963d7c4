#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| twoshare_fuzz_bodies::run("verifying_key", bytes));
