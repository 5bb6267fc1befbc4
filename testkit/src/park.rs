//! Points at which calls wait, so that a test can do something while they are inside.
//!
//! A hot crate depends on nothing of the kit, and a standalone artifact shares no memory with it. So calls and test
//! meet in the file system: a call that comes to a point leaves a file there and waits until another one appears. The
//! code for that uses the standard library only; it is put into the lab's copy of the source, never into the original.
//! Where the point's directory is gone, because the lab ended, nobody waits.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::lab::DEADLINE;

/// A named point at which calls wait until they are let go; made by [`Lab::point`](crate::Lab::point).
///
/// ```no_run
/// # mod shop { liveswap_abi::hot_crate!(); pub mod rules { pub fn discount(price: u32) -> u32 { price } } }
/// # use liveswap_testkit::Lab;
/// # use shop::rules;
/// # fn main() -> Result<(), liveswap_testkit::Error> {
/// # let lab = Lab::for_crate("shop")?;
/// let point = lab.point("before the price")?;
/// // The first swap brings the point into the running code.
/// lab.edit("src/rules.rs", |text| point.before(text, "price * 90"))?.swap()?;
/// let parked = point.park(|| rules::discount(100))?;
/// lab.edit("src/rules.rs", |text| text.replace("90", "80"))?.swap()?;
/// assert_eq!(parked.finish(), 90, "the call goes on in the code that it entered");
/// assert_eq!(rules::discount(100), 80);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Point {
    name: String,
    directory: PathBuf,
}

/// A call that waits at a point, on a thread of its own.
#[derive(Debug)]
#[must_use = "the call waits until it is told to finish"]
pub struct Parked<T> {
    point: Point,
    thread: Option<JoinHandle<T>>,
}

impl Point {
    pub(crate) fn new(name: &str, points: &Path) -> Result<Self, Error> {
        let directory =
            points.join(blake3::hash(name.as_bytes()).to_hex().get(..16).unwrap_or(name));
        fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        Ok(Self { name: name.to_owned(), directory })
    }

    /// The statement that makes a call wait here; for sources. It stands on one line.
    #[must_use]
    pub fn code(&self) -> String {
        format!(
            "{{ let point = ::std::path::Path::new({:?}); let open = point.join(\"open\"); \
             if point.is_dir() && !open.exists() {{ \
             let _ = ::std::fs::write(point.join(\"reached\"), \"\"); \
             while point.is_dir() && !open.exists() {{ \
             ::std::thread::sleep(::std::time::Duration::from_millis(1)); }} }} }} ",
            self.directory
        )
    }

    /// A source text with the point before `place`, on the same line, so that lines keep their numbers.
    ///
    /// # Panics
    ///
    /// Unless `place` stands in the text exactly once.
    #[track_caller]
    #[must_use]
    pub fn before(&self, text: &str, place: &str) -> String {
        assert!(text.matches(place).count() == 1, "{place:?} is not in the source exactly once");
        text.replace(place, &format!("{}{place}", self.code()))
    }

    /// Waits here until calls are let go: for closures and trait objects that the test gives to hot code.
    pub fn wait(&self) {
        let open = self.directory.join("open");
        if self.directory.is_dir() && !open.exists() {
            let _ = fs::write(self.directory.join("reached"), "");
            while self.directory.is_dir() && !open.exists() {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Makes a call on a thread of its own and returns once it waits at this point.
    ///
    /// # Errors
    ///
    /// [`Error::NotReached`] if it does not come here in a minute, or ends without coming here.
    pub fn park<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Parked<T>, Error> {
        for name in ["open", "reached"] {
            crate::copy::remove(&self.directory.join(name))?;
        }
        let thread = thread::Builder::new().name(format!("parked at {}", self.name));
        let thread = thread.spawn(call).map_err(Error::file("start", Path::new("a thread")))?;
        let parked = Parked { point: self.clone(), thread: Some(thread) };
        let began = Instant::now();
        let reached = self.directory.join("reached");
        while !reached.exists() {
            let ended = parked.thread.as_ref().is_none_or(JoinHandle::is_finished);
            if ended && !reached.exists() || began.elapsed() > DEADLINE {
                let (point, seconds) = (self.name.clone(), began.elapsed().as_secs());
                return Err(Error::NotReached { point, seconds });
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(parked)
    }

    /// Lets every call go that waits here or comes here later.
    pub fn open(&self) {
        // Where the directory is gone, nobody waits.
        let _ = fs::write(self.directory.join("open"), "");
    }
}

impl<T> Parked<T> {
    /// Lets the call go and waits for its result.
    ///
    /// # Panics
    ///
    /// With the call's own panic, if it panics.
    #[track_caller]
    pub fn finish(mut self) -> T {
        self.point.open();
        let thread = self.thread.take().map(JoinHandle::join);
        match thread {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("only finish takes the thread"),
        }
    }

    /// Whether the call is still inside.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl<T> Drop for Parked<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.point.open();
            // A test that fails meanwhile does not care how the call ends.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_until_it_is_let_go() {
        let directory = tempfile::tempdir().expect("a directory");
        let point = Point::new("here", directory.path()).expect("made");
        let inside = point.clone();
        let parked = point.park(move || {
            inside.wait();
            7
        });
        let parked = parked.expect("it comes here");
        assert!(parked.is_inside());
        assert_eq!(parked.finish(), 7);
        point.wait();
    }

    #[test]
    fn a_call_that_does_not_come_by_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let point = Point::new("nowhere", directory.path()).expect("made");
        assert!(matches!(point.park(|| ()), Err(Error::NotReached { .. })));
    }

    #[test]
    fn nobody_waits_when_the_lab_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let point = Point::new("here", directory.path()).expect("made");
        drop(directory);
        point.wait();
    }

    #[test]
    fn lines_keep_their_numbers() {
        let point = Point { name: "x".to_owned(), directory: "/nowhere".into() };
        let text = point.before("fn f() {\n    g();\n}\n", "g();");
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("g();\n}\n"));
    }
}
