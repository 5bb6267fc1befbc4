//! The terminal: whose turn it is, and how it is left behind.
//!
//! A program runs in a process group of its own, so that it can be ended with everything it
//! started. The terminal lets only one group read keys and change settings, so the program is given
//! the terminal, as a shell does with its jobs, and Ctrl-C goes to it. One that touches the terminal
//! before it has been given it is stopped by the system, and told to go on.

#[cfg(unix)]
use std::fs::{File, OpenOptions};
#[cfg(unix)]
use std::io::Write;

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios};

use crate::group::Group;

/// What programs with pictures leave switched on when they die: the other screen, a hidden cursor,
/// mouse reports, bracketed paste, colors.
#[cfg(unix)]
const UNDO: &[u8] =
    b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m\r\n";

/// The terminal that this process was started from, if any.
#[derive(Debug)]
pub(crate) struct Terminal {
    #[cfg(unix)]
    device: Option<(File, Termios)>,
}

#[cfg(unix)]
impl Terminal {
    /// Opens the terminal and notes its settings.
    pub(crate) fn open() -> Terminal {
        let open = || {
            let file = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
            let settings = rustix::termios::tcgetattr(&file).ok()?;
            Some((file, settings))
        };
        Terminal { device: open() }
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.device.is_some()
    }

    /// Whether this process's group has the terminal.
    pub(crate) fn is_ours(&self) -> bool {
        self.device.as_ref().is_some_and(|(file, _)| {
            rustix::termios::tcgetpgrp(file).ok() == Some(rustix::process::getpgrp())
        })
    }

    /// Whether this process's group has the terminal, or `group` does.
    pub(crate) fn is_ours_or_of(&self, group: Group) -> bool {
        self.device.as_ref().is_some_and(|(file, _)| {
            let front = rustix::termios::tcgetpgrp(file).ok();
            front.is_some() && [Some(rustix::process::getpgrp()), group.pid()].contains(&front)
        })
    }

    /// Hands the terminal to `group`.
    pub(crate) fn give(&self, group: Group) {
        if let (Some((file, _)), Some(leader)) = (&self.device, group.pid()) {
            // It fails when the group is gone, and then there is nothing to hand over.
            let _ = undisturbed(|| rustix::termios::tcsetpgrp(file, leader));
        }
    }

    /// Takes the terminal back from whoever has it.
    pub(crate) fn take(&self) {
        if let Some((file, _)) = &self.device {
            // It fails when the terminal is gone, and then there is nothing to take.
            let _ = undisturbed(|| rustix::termios::tcsetpgrp(file, rustix::process::getpgrp()));
        }
    }

    /// Whether keys go to a program one by one: it draws on the terminal.
    pub(crate) fn is_raw(&self) -> bool {
        self.device.as_ref().is_some_and(|(file, _)| {
            rustix::termios::tcgetattr(file)
                .is_ok_and(|now| !now.local_modes.contains(LocalModes::ICANON))
        })
    }

    /// Makes the terminal usable again after a program that died while it was drawing on it.
    pub(crate) fn restore(&self) {
        if let Some((file, settings)) = &self.device
            && self.is_raw()
            && settings.local_modes.contains(LocalModes::ICANON)
        {
            let _ =
                undisturbed(|| rustix::termios::tcsetattr(file, OptionalActions::Now, settings));
            let _ = (&*file).write_all(UNDO);
        }
    }
}

/// Changes the terminal from behind, for which a process is stopped unless it blocks the signal.
///
/// Blocked no longer than that: what is started meanwhile would inherit it.
#[cfg(unix)]
fn undisturbed<T>(change: impl FnOnce() -> T) -> T {
    use nix::sys::signal::{SigSet, Signal};
    let mut signal = SigSet::empty();
    signal.add(Signal::SIGTTOU);
    let before = SigSet::thread_get_mask();
    let blocked = signal.thread_block();
    let result = change();
    if blocked.is_ok() && before.is_ok_and(|mask| !mask.contains(Signal::SIGTTOU)) {
        let _ = signal.thread_unblock();
    }
    result
}

#[cfg(not(unix))]
impl Terminal {
    pub(crate) fn open() -> Terminal {
        Terminal {}
    }

    pub(crate) fn is_there(&self) -> bool {
        false
    }

    pub(crate) fn is_ours(&self) -> bool {
        false
    }

    pub(crate) fn is_ours_or_of(&self, _: Group) -> bool {
        false
    }

    pub(crate) fn give(&self, _: Group) {}

    pub(crate) fn take(&self) {}

    pub(crate) fn is_raw(&self) -> bool {
        false
    }

    pub(crate) fn restore(&self) {}
}
