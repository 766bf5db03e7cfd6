//! The networks against golden tensors of a tiny model (`tests/fixtures/embedded_tiny`).

mod common;
mod generator;
mod session;
mod text;
mod tokenizer;
