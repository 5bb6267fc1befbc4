//! Loading a library in a copy of the process first, where it can do no harm: what panics, ends the process or never
//! returns there would have done so here.
//!
//! The copy is a child made by `fork`: it has the program's memory and addresses, so what a shared artifact needs of the
//! program is there, but of the threads only the one that asked. It is kept away from what it shares with the program:
//! it is in a session of its own, so it has no terminal; it reads nothing; what it prints is taken down; no handler of the
//! program's for crashes or panics is called; nothing is dropped at its end. What initializers do to files, or say
//! to others, they do once in the copy and once in the program.
//!
//! A lock that another thread held at that moment is never given up in the copy, so an initializer that takes it waits for
//! ever: why one that is late is tried once more.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use libc::{c_int, pid_t};

use super::sys;
use crate::initializers::Trial;

/// How often one is tried that does not end.
const ATTEMPTS: u32 = 2;

/// More than this is not read of what is said.
const LONGEST: u64 = 4096;

/// Signals that end the copy, whatever the program does with them.
const FATAL: &[c_int] = &[
    libc::SIGABRT,
    libc::SIGALRM,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTERM,
    libc::SIGTRAP,
];

/// Loads the library at `path` in a copy of this process, for no longer than `patience` at a time.
///
/// # Safety
///
/// Obligation 1 of [`dylib`](super), for the copy.
pub(crate) unsafe fn load(path: &Path, patience: Duration) -> Trial {
    let mut trial = Trial::Late;
    for _ in 0..ATTEMPTS {
        // SAFETY: obligation 1, passed on to the caller.
        trial = unsafe { attempt(path, patience) }.unwrap_or_else(Trial::Impossible);
        if !matches!(trial, Trial::Late) {
            break;
        }
    }
    trial
}

/// # Safety
///
/// As for [`load`].
unsafe fn attempt(path: &Path, patience: Duration) -> io::Result<Trial> {
    let path = std::path::absolute(path)?;
    let (said, passed) = (anonymous()?, anonymous()?);
    let nothing = File::open("/dev/null")?;
    // SAFETY: the child does what is in `in_the_copy` and ends there. The C library makes its own locks usable in it, those
    // of its allocator and its loader among them; for others there is the deadline.
    let child = unsafe { libc::fork() };
    match child {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: obligation 1 of the library, passed on; this is the child.
            unsafe { in_the_copy(&path, patience, [&nothing, &said, &said], &passed) }
        }
        _ => {}
    }
    let status = wait(child);
    let has_passed = passed.metadata()?.len() > 0;
    Ok(if has_passed { Trial::Passed } else { verdict(status, &text(said)?) })
}

/// A file without a name, which no program that is started meanwhile inherits.
fn anonymous() -> io::Result<File> {
    // SAFETY: the name is a string, and nothing else is given.
    let descriptor = unsafe { libc::memfd_create(c"liveswap-trial".as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, so nobody else has it.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Loads the library, leaves a mark in `passed` and ends the process.
///
/// # Safety
///
/// This is the child of a `fork`, and obligation 1 of [`dylib`](super).
unsafe fn in_the_copy(path: &Path, patience: Duration, to: [&File; 3], passed: &File) -> ! {
    // The terminal is the program's.
    // SAFETY: no argument.
    unsafe { libc::setsid() };
    // SAFETY: the arguments are those of this option.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a value of the right type.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core) };
    for signal in FATAL {
        // SAFETY: the default is installed, which is no code.
        unsafe { libc::signal(*signal, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::uninit();
    // SAFETY: the set is written to, and of the right type.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was just made.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
    for (standard, file) in (0..).zip(to) {
        // SAFETY: both are open, and nobody here relies on what the first one was.
        unsafe { libc::dup2(file.as_raw_fd(), standard as RawFd) };
    }
    let seconds = patience.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    let micros = patience.subsec_micros().max(1);
    let timer = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval { tv_sec: seconds, tv_usec: libc::suseconds_t::from(micros) },
    };
    // SAFETY: the time is a value of the right type; the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };

    let said = to[2];
    let opened = catch_unwind(AssertUnwindSafe(|| {
        // The program's own would restore terminals, write reports, or take locks. It is not dropped either.
        mem::forget(panic::take_hook());
        if let Ok(said) = said.try_clone() {
            panic::set_hook(Box::new(move |info| {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                let message = info.payload_as_str().unwrap_or("Box<dyn Any>");
                // Whoever reads it does without.
                let _ = writeln!(&said, "panicked at {place}:\n{message}");
            }));
        }
        // SAFETY: obligation 1, passed on to the caller.
        unsafe { sys::open(path) }.map(mem::forget)
    }));
    if opened.is_ok() {
        // Without it, it counts as failed.
        let _ = (&mut &*passed).write_all(b"+");
    }
    // SAFETY: no argument but a number; nothing of the program's runs.
    unsafe { libc::_exit(0) }
}

/// Waits for the end of the child; `None` where the program has asked for its status itself.
fn wait(child: pid_t) -> Option<c_int> {
    let mut status = 0;
    loop {
        // SAFETY: the status is written to, and of the right type.
        if unsafe { libc::waitpid(child, &raw mut status, 0) } == child {
            return Some(status);
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// What was said, as far as anybody wants to read it.
fn text(mut said: File) -> io::Result<String> {
    said.rewind()?;
    let mut bytes = Vec::new();
    said.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn verdict(status: Option<c_int>, said: &str) -> Trial {
    if let Some(panic) = panic_in(said) {
        return Trial::Panicked(panic);
    }
    let how = match status {
        Some(status) if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGALRM => {
            return Trial::Late;
        }
        Some(status) if libc::WIFSIGNALED(status) => format!("signal {}", libc::WTERMSIG(status)),
        Some(status) => format!("exit status {}", libc::WEXITSTATUS(status)),
        None => "a status that the program itself took".to_owned(),
    };
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Trial::Ended(last.map_or_else(|| how.clone(), |last| format!("{how}, having said: {last}")))
}

/// Where the first panic happened, and its message, as panic hooks print it.
fn panic_in(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("panicked at ")?;
    let (place, rest) = rest.split_once('\n')?;
    let is_more = |line: &&str| {
        !line.is_empty()
            && !["note: ", "stack backtrace:", "thread ", "panicked at "]
                .iter()
                .any(|end| line.starts_with(end))
    };
    let message: Vec<&str> = rest.lines().take_while(is_more).collect();
    Some(format!("{}: {}", place.trim_end_matches(':'), message.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_panic_is_told_in_one_line() {
        let said = "\nthread '<unnamed>' (71) panicked at hot/src/lib.rs:7:5:\nno table\nat all\n\
                    note: run with `RUST_BACKTRACE=1`\n\nthread '<unnamed>' panicked at library/core:1:1:\n\
                    panic in a function that cannot unwind\nstack backtrace:\n";
        assert_eq!(panic_in(said).unwrap(), "hot/src/lib.rs:7:5: no table at all");
        let twice = "panicked at a.rs:1:1:\nfirst\npanicked at b.rs:2:2:\nsecond\n";
        assert_eq!(panic_in(twice).unwrap(), "a.rs:1:1: first");
        assert_eq!(panic_in("free(): invalid pointer\n"), None);
    }

    #[test]
    fn ends_are_told_from_one_another() {
        let ended = |status, said: &str| match verdict(status, said) {
            Trial::Ended(how) => how,
            other => panic!("{other:?}"),
        };
        assert_eq!(ended(Some(3 << 8), ""), "exit status 3");
        assert_eq!(
            ended(Some(libc::SIGSEGV), "one\nfree(): invalid pointer\n\n"),
            "signal 11, having said: free(): invalid pointer"
        );
        assert!(matches!(verdict(Some(libc::SIGALRM), "waiting"), Trial::Late));
        assert!(ended(None, "").contains("took"));
    }
}
