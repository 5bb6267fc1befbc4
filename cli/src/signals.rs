//! The signals that end or suspend this process, as messages.

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end; the number is the signal's.
    End(i32),
    /// To stop until told to go on.
    Suspend,
}

#[cfg(unix)]
pub(crate) use unix::{listen, stop_here};

#[cfg(unix)]
mod unix {
    use super::Asked;
    use crate::error::Error;
    use crossbeam_channel::{Receiver, unbounded};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::{Handle, Signals};
    use std::thread::{self, JoinHandle};

    const THREAD: &str = "liveswap-signals";

    /// Listens until it is dropped.
    #[derive(Debug)]
    pub(crate) struct Listening {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    /// Listens to signals from now on.
    ///
    /// # Errors
    ///
    /// The system refused the handlers or a thread.
    pub(crate) fn listen() -> Result<(Listening, Receiver<Asked>), Error> {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]).map_err(Error::Signals)?;
        let handle = signals.handle();
        let (sender, receiver) = unbounded();
        let body = move || {
            for signal in &mut signals {
                let asked = if signal == SIGTSTP { Asked::Suspend } else { Asked::End(signal) };
                if sender.send(asked).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(body)
            .map_err(|source| Error::ThreadStart { name: THREAD, source })?;
        Ok((Listening { handle, thread: Some(thread) }, receiver))
    }

    /// Stops this process until it is told to go on.
    pub(crate) fn stop_here() {
        // It cannot fail for this signal.
        let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
    }

    impl Drop for Listening {
        fn drop(&mut self) {
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn listen() -> Result<((), crossbeam_channel::Receiver<Asked>), crate::error::Error> {
    use crate::error::Error;
    let (sender, receiver) = crossbeam_channel::unbounded();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let interrupt = signal_hook::consts::SIGINT;
    signal_hook::flag::register(interrupt, std::sync::Arc::clone(&asked))
        .map_err(Error::Signals)?;
    std::thread::spawn(move || {
        while !asked.load(std::sync::atomic::Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = sender.send(Asked::End(interrupt));
    });
    Ok(((), receiver))
}

#[cfg(not(unix))]
pub(crate) fn stop_here() {}
