//! A safetensors file. `cargo +nightly fuzz run safetensors`

#![no_main]

use libfuzzer_sys::fuzz_target;
use underpaint::model::weights::formats;

fuzz_target!(|bytes: &[u8]| {
    drop(formats::safetensors(bytes));
});
