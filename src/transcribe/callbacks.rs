//! What whisper.cpp calls while it works: "shall I stop?" and "so far I am".
//!
//! The only file with `unsafe`. The safe setters of whisper-rs 0.16 are not used: `set_abort_callback_safe` calls the
//! closure through a pointer of another type, and both it and its sibling for progress leak the closure. Here whisper.cpp gets
//! a pointer to a [`Hooks`] that the caller of `full` keeps on its stack for longer than the call; the borrow in
//! [`Hooks::install`] makes the compiler hold it there. A panic is caught before it could unwind into C++.
#![expect(unsafe_code, reason = "native callbacks take raw pointers; everything unsafe of the crate is in this file")]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use whisper_rs::FullParams;

/// What the callbacks of one call of `full` may see. Shared with whisper.cpp's own threads, hence `Sync` only.
pub(super) struct Hooks<'a> {
    /// Polled after each encoder pass and each token.
    pub(super) must_stop: &'a (dyn Fn() -> bool + Sync),
    /// Told how many percent of the window are done; cheap.
    pub(super) progress: &'a (dyn Fn(u8) + Sync),
}

impl Hooks<'_> {
    /// Lets `full` call back here. The parameters may be used only while `self` lives, which their lifetime says.
    pub(super) fn install<'h>(&'h self, parameters: &mut FullParams<'h, '_>) {
        let user_data = std::ptr::from_ref(self).cast::<c_void>().cast_mut();
        // SAFETY: each callback takes its pointer back to `&Hooks`, the type it was made from; `'h` keeps the value alive and
        // unmoved as long as the parameters are, and nobody writes through the pointer.
        unsafe {
            parameters.set_abort_callback(Some(abort));
            parameters.set_abort_callback_user_data(user_data);
            parameters.set_progress_callback(Some(progress));
            parameters.set_progress_callback_user_data(user_data);
        }
    }
}

unsafe extern "C" fn abort(user_data: *mut c_void) -> bool {
    // SAFETY: `install` passed a pointer to `Hooks` that outlives the call of `full`, and whisper.cpp calls back only during it.
    let hooks = unsafe { &*user_data.cast::<Hooks<'_>>() };
    // A panic must not unwind into C++; one that asks whether to stop had better stop.
    catch_unwind(AssertUnwindSafe(hooks.must_stop)).unwrap_or(true)
}

unsafe extern "C" fn progress(
    _context: *mut whisper_rs::WhisperSysContext,
    _state: *mut whisper_rs::WhisperSysState,
    percent: c_int,
    user_data: *mut c_void,
) {
    // SAFETY: as in `abort`.
    let hooks = unsafe { &*user_data.cast::<Hooks<'_>>() };
    let percent = u8::try_from(percent.clamp(0, 100)).unwrap_or(100);
    // As above; progress that can't be told is no reason to stop.
    let _told = catch_unwind(AssertUnwindSafe(|| (hooks.progress)(percent)));
}
