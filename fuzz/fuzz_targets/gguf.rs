//! A GGUF file. `cargo +nightly fuzz run gguf`

#![no_main]

use libfuzzer_sys::fuzz_target;
use underpaint::model::weights::formats;

fuzz_target!(|bytes: &[u8]| {
    drop(formats::gguf(bytes));
});
