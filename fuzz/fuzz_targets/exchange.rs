#![no_main]

use twoshare_fuzz_bodies::run;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run("exchange", bytes));
