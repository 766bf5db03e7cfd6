//! The ZIP around a PyTorch file. `cargo +nightly fuzz run torch_zip`

#![no_main]

use libfuzzer_sys::fuzz_target;
use underpaint::model::weights::formats;

fuzz_target!(|bytes: &[u8]| {
    drop(formats::torch_zip(bytes));
});
