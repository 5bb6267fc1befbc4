//! The program's side of the local socket: answers to the builder, news from it.
//!
//! Where `cargo liveswap` started the program, two environment variables say where it listens and
//! by what token it knows its own. Without them nothing is opened. Neither direction can delay a
//! reload: what is sent waits in a bounded queue that drops the oldest, and what is received
//! arrives on a thread of its own. If the other side dies, the program goes on without it.

mod link;
mod socket;
mod translate;

pub use link::{Ended, Link};
pub use socket::Socket;
pub use translate::{event, told};

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::error::Error;
use crate::wire::{self, Frames, FromCli, Hello, LONGEST, PROTOCOL, Role, ToCli};

/// A connection to the `cargo liveswap` that started this program.
///
/// Dropping it sends what still waits, as long as the other side reads, and joins its threads.
pub struct Control {
    link: Link,
}

impl Control {
    /// Connects when the environment says where to; `None` when it does not.
    ///
    /// Everything that `cargo liveswap` says is given to `deliver`, on a thread of this connection.
    /// `owns_terminal` asks it to print nothing there: the program shows what it hears by itself.
    ///
    /// # Errors
    ///
    /// [`Error::ControlConnect`] when nobody listens there any more, and
    /// [`Error::ThreadStart`] when the system has no thread left. The program can go on without.
    ///
    /// # Examples
    ///
    /// ```
    /// use liveswap::control::Control;
    ///
    /// # fn main() -> Result<(), liveswap::Error> {
    /// // Started by hand, so there is nobody to talk to.
    /// assert!(Control::connect_from_env("game", false, |news| println!("{news:?}"))?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_from_env(
        hot_crate: &str,
        owns_terminal: bool,
        deliver: impl FnMut(FromCli) + Send + 'static,
    ) -> Result<Option<Control>, Error> {
        let given = |name| env::var_os(name).filter(|value| !value.is_empty());
        match (given(wire::ENV_ADDRESS), given(wire::ENV_TOKEN).and_then(text)) {
            (Some(address), Some(token)) => {
                let role = Role::Program { hot_crate: hot_crate.to_owned(), owns_terminal };
                Control::connect(&address, token, role, deliver).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Connects to the socket at `address`.
    ///
    /// # Errors
    ///
    /// As [`Control::connect_from_env`].
    pub fn connect(
        address: &OsStr,
        token: String,
        role: Role,
        mut deliver: impl FnMut(FromCli) + Send + 'static,
    ) -> Result<Control, Error> {
        let socket = Socket::connect(address).map_err(|source| Error::ControlConnect {
            address: address.to_string_lossy().into_owned(),
            source,
        })?;
        let frames = Frames::new(socket, LONGEST);
        let link = Link::start("liveswap-control", frames, move |received| match received {
            Ok(message) => deliver(message),
            Err(ended) => tracing::debug!(%ended, "the connection to cargo liveswap ended"),
        })?;
        let pid = std::process::id();
        link.send(&ToCli::Hello(Hello { protocol: PROTOCOL, token, pid, role }));
        Ok(Control { link })
    }

    /// Queues a message. Never waits: when the other side is slow, the oldest one waiting is lost
    /// and counted, and when it is gone, nothing happens.
    pub fn send(&self, message: &ToCli) {
        self.link.send(message);
    }

    /// Whether the other side is still there, as far as it is known.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.is_open()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

fn text(value: OsString) -> Option<String> {
    value.into_string().ok()
}

#[cfg(all(test, unix))]
mod tests;
