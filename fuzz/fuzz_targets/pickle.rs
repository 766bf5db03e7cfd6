//! The list of tensors in a PyTorch file. `cargo +nightly fuzz run pickle`

#![no_main]

use libfuzzer_sys::fuzz_target;
use underpaint::model::weights::formats;

fuzz_target!(|bytes: &[u8]| {
    drop(formats::pickle(bytes));
});
