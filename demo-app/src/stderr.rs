//! Keeps what is written to standard error off the picture, and shows it afterward.

#[cfg(unix)]
pub(crate) use unix::QuietStderr;

/// Where standard error cannot be sent elsewhere it stays as it is.
#[cfg(not(unix))]
pub(crate) struct QuietStderr;

#[cfg(not(unix))]
impl QuietStderr {
    pub(crate) fn start() -> Self {
        Self
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, IsTerminal, Read, Seek, SeekFrom, Write},
        os::fd::{AsFd, OwnedFd},
    };

    /// How much of what was written is shown, from its end.
    const KEPT: u64 = 64 * 1024;

    /// Standard error in a file without a name; dropping it restores and repeats what was written.
    pub(crate) struct QuietStderr {
        redirected: Option<(File, OwnedFd)>,
    }

    impl QuietStderr {
        /// Redirects standard error if it is a terminal, and leaves it alone where that fails:
        /// a spoiled picture is better than no game.
        pub(crate) fn start() -> Self {
            let redirected = io::stderr().is_terminal().then(|| redirect().ok()).flatten();
            Self { redirected }
        }
    }

    impl Drop for QuietStderr {
        fn drop(&mut self) {
            if let Some((file, stderr)) = self.redirected.take()
                && rustix::stdio::dup2_stderr(&stderr).is_ok()
            {
                // There is nobody left to tell when standard error itself fails.
                let _ = repeat(file, &mut io::stderr());
            }
        }
    }

    fn redirect() -> io::Result<(File, OwnedFd)> {
        let file = tempfile::tempfile()?;
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stderr(&file)?;
        Ok((file, stderr))
    }

    fn repeat(mut file: File, to: &mut impl Write) -> io::Result<()> {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(end.saturating_sub(KEPT)))?;
        let mut text = Vec::new();
        file.take(KEPT).read_to_end(&mut text)?;
        to.write_all(&text)
    }

    #[cfg(test)]
    mod tests {
        use super::{KEPT, repeat};
        use std::io::Write;

        #[test]
        fn only_the_end_of_much_text_is_repeated() {
            let mut file = tempfile::tempfile().unwrap();
            let mut shown = Vec::new();
            file.write_all(b"short").unwrap();
            repeat(file.try_clone().unwrap(), &mut shown).unwrap();
            assert_eq!(shown, b"short");
            file.write_all(&vec![b'.'; KEPT as usize]).unwrap();
            file.write_all(b"end").unwrap();
            shown.clear();
            repeat(file, &mut shown).unwrap();
            assert_eq!(shown.len(), KEPT as usize);
            assert!(shown.ends_with(b".end"));
        }
    }
}
