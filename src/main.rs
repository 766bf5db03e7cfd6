//! Underpaint.
fn main() {}
