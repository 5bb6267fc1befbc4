//! Whose code the calling thread is in, by the frames on its stack.

use std::ffi::{c_int, c_void};

type Trace = extern "C" fn(*mut c_void, *mut c_void) -> c_int;

// Of the unwinder that the standard library is linked with.
unsafe extern "C" {
    fn _Unwind_Backtrace(trace: Trace, argument: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

/// Goes on with the next frame.
const NO_REASON: c_int = 0;

/// An address in the code of each function that the calling thread is in, the innermost first.
pub(super) fn frames() -> Vec<usize> {
    extern "C" fn note(context: *mut c_void, frames: *mut c_void) -> c_int {
        // SAFETY: `frames` passes its vector, which nobody else uses during the walk.
        let frames = unsafe { &mut *frames.cast::<Vec<usize>>() };
        // SAFETY: the unwinder passes a context that is valid during the call.
        frames.push(unsafe { _Unwind_GetIP(context) });
        NO_REASON
    }

    let mut frames: Vec<usize> = Vec::with_capacity(64);
    // SAFETY: `note` takes the second argument for what it is and does not unwind.
    unsafe { _Unwind_Backtrace(note, (&raw mut frames).cast()) };
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn called(depth: u32) -> Vec<usize> {
        if depth == 0 { frames() } else { called(depth - 1).into_iter().collect() }
    }

    #[test]
    fn the_functions_that_a_thread_is_in_are_on_its_stack() {
        let start = called as fn(u32) -> Vec<usize> as usize;
        let near = |frames: &[usize]| {
            frames.iter().filter(|frame| (start..start + 4096).contains(frame)).count()
        };
        let (few, many) = (near(&called(2)), near(&called(12)));
        assert!(few >= 3 && many >= few + 10, "{few} and {many}");
    }
}
