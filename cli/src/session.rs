//! Sessions of one target directory: each leaves a file that says where it listens.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use liveswap::control::Socket;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::server::{Server, private_directory};

/// Where a session listens, and what to say there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    pub(crate) address: PathBuf,
    pub(crate) token: String,
}

/// The file of this session. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct SessionFile {
    path: PathBuf,
}

/// The directory of sockets and session files, under this tool's own directory.
pub(crate) fn directory(own: &Path) -> PathBuf {
    own.join("run")
}

impl SessionFile {
    /// Says in `directory` where `server` listens, to this user alone.
    ///
    /// # Errors
    ///
    /// The file could not be written.
    pub(crate) fn write(directory: &Path, server: &Server) -> Result<SessionFile, Error> {
        private_directory(directory)?;
        let pid = std::process::id();
        // Named after the socket: one that takes the place of another must outlive that.
        let name = server.address().with_extension("json");
        let path = directory.join(name.file_name().unwrap_or_default());
        let entry =
            Entry { pid, address: server.address().to_owned(), token: server.token().to_owned() };
        let failed = |source| Error::File {
            what: "the session file",
            verb: "written",
            path: path.clone(),
            source,
        };
        let text = serde_json::to_vec(&entry).map_err(|error| failed(error.into()))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).and_then(|mut file| file.write_all(&text)).map_err(failed)?;
        Ok(SessionFile { path })
    }
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The sessions in `directory` that somebody listens for, by process. What the dead left is removed.
pub(crate) fn alive(directory: &Path) -> Vec<(Entry, Socket)> {
    let Ok(files) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in files.flatten().map(|file| file.path()) {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let entry =
            fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Entry>(&text).ok());
        let Some(entry) = entry else { continue };
        match Socket::connect(entry.address.as_os_str()) {
            Ok(socket) => found.push((entry, socket)),
            Err(_) => {
                let _ = fs::remove_file(&entry.address);
                let _ = fs::remove_file(&path);
            }
        }
    }
    found.sort_by_key(|(entry, _)| entry.pid);
    found
}
