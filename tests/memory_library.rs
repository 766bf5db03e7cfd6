//! The user's memories: real files, real databases, several connections, and a process that is
//! killed. The encoder is a fake one, whose ids and keys follow from what it is given.

#[path = "memory_library/rig.rs"]
mod rig;

#[path = "memory_library/adding.rs"]
mod adding;
#[path = "memory_library/captions.rs"]
mod captions;
#[path = "memory_library/database.rs"]
mod database;
#[path = "memory_library/files.rs"]
mod files;
#[path = "memory_library/thread.rs"]
mod thread;
