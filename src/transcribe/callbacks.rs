//! The callbacks of whisper.cpp: the abort check and the progress report.
//!
//! The safe setters of whisper-rs 0.16 are not used: `set_abort_callback_safe` calls the
//! closure through a pointer of another type, and both it and its sibling for progress leak the closure. Here whisper.cpp gets
//! a pointer to a [`Hooks`] on the stack of the caller of `full`, which outlives the call; the borrow in [`Hooks::install`]
//! lets the compiler check that. A panic is caught before it could unwind into C++.
#![expect(unsafe_code, reason = "native callbacks take raw pointers")]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use whisper_rs::FullParams;

/// The state that the callbacks of one call of `full` may access. Shared with whisper.cpp's own threads, hence `Sync`.
pub(super) struct Hooks<'a> {
    /// Polled after each encoder pass and each token; true aborts the call.
    pub(super) must_stop: &'a (dyn Fn() -> bool + Sync),
    /// Receives the progress within the window in percent; must be cheap.
    pub(super) progress: &'a (dyn Fn(u8) + Sync),
}

impl Hooks<'_> {
    /// Makes `full` call these hooks. The lifetime of the parameters keeps them from outliving `self`.
    pub(super) fn install<'h>(&'h self, parameters: &mut FullParams<'h, '_>) {
        let user_data = std::ptr::from_ref(self).cast::<c_void>().cast_mut();
        // SAFETY: each callback takes its pointer back to `&Hooks`, the type it was made from; `'h` keeps the value alive and
        // unmoved as long as the parameters are, and the pointer is never written through.
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
    // A panic must not unwind into C++. When the check itself fails, stopping is the safe answer.
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
    // As above. A failed progress report is no reason to stop.
    let _reported = catch_unwind(AssertUnwindSafe(|| (hooks.progress)(percent)));
}
