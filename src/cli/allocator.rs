//! The C library's memory allocator, for a server with many threads.
//!
//! glibc gives each of up to eight threads per core an arena of its own, and an arena keeps up to 64 MiB that were used once. On two
//! cores a server under `make soak` kept 1.2 GiB in this way after four minutes, and 0.4 GiB after thirty with two arenas. Lower
//! thresholds for returning memory were measured as well: they make the diarization 15 % slower, because its buffers are then
//! mapped again each time.
#![expect(unsafe_code, reason = "mallopt and malloc_trim are functions of the C library")]

/// The number of arenas: one per core of the smallest machine that the server is meant for.
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Bounds the memory that the allocator keeps for threads. To be called while the process has one thread.
pub(super) fn bound_arenas() {
    // SAFETY: the call changes a number within the allocator, under its own lock, and takes no pointer.
    #[cfg(target_env = "gnu")]
    let _not_supported = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
}

/// Returns to the system what is free. To be called after the models are loaded: their files and graphs were read into memory that
/// the process does not need again, about 50 MiB.
pub(super) fn return_free_memory() {
    // SAFETY: the call works under the allocator's own locks, and takes no pointer.
    #[cfg(target_env = "gnu")]
    let _was_something_free = unsafe { libc::malloc_trim(0) };
}
