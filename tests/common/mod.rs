//! Shared by the integration tests.

pub(crate) mod fake_model;
pub(crate) mod worker_rig;
