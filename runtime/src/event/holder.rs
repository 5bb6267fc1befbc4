//! What holds a generation that is no longer current.

use std::fmt;
use std::time::Duration;

/// One thing that holds a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// The thread's name, which may be cut short; empty where it has none or it is not known.
    pub thread: String,
    /// How long it has held the generation at least: a call, a read or a pin since the generation was replaced, a thread, a
    /// thread-local or a lease since hot code left it.
    pub age: Duration,
}

/// What holds a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HolderKind {
    /// A call in progress.
    Call {
        /// The function's path.
        function: String,
    },
    /// A value that is lent out.
    Read {
        /// The value's path.
        value: String,
    },
    /// A pin.
    Pin,
    /// A thread that hot code started and that still runs.
    Thread {
        /// The path of the hot function that was running when it was started, where that is known.
        function: Option<String>,
    },
    /// A destructor of a thread-local value of hot code that has not run.
    ThreadLocal {
        /// The path of the hot function that was running when it was registered, where that is known.
        function: Option<String>,
    },
    /// A value of hot code that somebody keeps and has not dropped. The thread is the one that made it.
    Lease {
        /// The full name of its type.
        type_name: String,
        /// The path of the hot function that was running when it was made, where that is known.
        function: Option<String>,
    },
    /// What hot code left behind besides the oldest, which are described one by one.
    More {
        /// Threads that still run.
        threads: usize,
        /// Destructors of thread-local values that have not run.
        thread_locals: usize,
        /// Leases that have not been dropped.
        leases: usize,
    },
    /// A state that may need the generation's code: the current one does not know its type or layout, or it is just being
    /// written, read or dropped.
    State {
        /// The full name of its type.
        name: String,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            HolderKind::Call { function } => write!(f, "a call of `{function}`")?,
            HolderKind::Read { value } => write!(f, "a read of `{value}`")?,
            HolderKind::Pin => f.write_str("a pin")?,
            HolderKind::State { name } => {
                write!(f, "a state `{name}` that the current code does not know")?;
            }
            HolderKind::Thread { function } => {
                f.write_str("a thread that hot code started")?;
                in_function(f, function)?;
            }
            HolderKind::ThreadLocal { function } => {
                f.write_str("a thread-local destructor of hot code")?;
                in_function(f, function)?;
            }
            HolderKind::Lease { type_name, function } => {
                write!(f, "a lease of `{type_name}` made")?;
                in_function(f, function)?;
            }
            HolderKind::More { threads, thread_locals, leases } => {
                let counted = [
                    (*threads, "threads"),
                    (*thread_locals, "thread-local destructors"),
                    (*leases, "leases"),
                ];
                let some = counted.iter().filter(|(count, _)| *count > 0);
                let words: Vec<String> =
                    some.map(|(count, what)| format!("{count} more {what}")).collect();
                f.write_str(&words.join(" and "))?;
            }
        }
        if !self.thread.is_empty() {
            write!(f, " on thread `{}`", self.thread)?;
        }
        write!(f, ", for at least {:.1} s", self.age.as_secs_f64())
    }
}

fn in_function(f: &mut fmt::Formatter<'_>, function: &Option<String>) -> fmt::Result {
    match function {
        Some(function) => write!(f, " in `{function}`"),
        None => Ok(()),
    }
}
