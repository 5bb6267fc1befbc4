//! Sessions of one target directory: each leaves a file that says where it listens.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use liveswap::control::Socket;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::server::{self, Server, private_directory};

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
        bury(directory);
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
                // A socket whose path would have been too long had a directory of its own; one that is not empty stays.
                if let Some(own) = entry.address.parent().filter(|own| *own != directory) {
                    let _ = fs::remove_dir(own);
                }
            }
        }
    }
    found.sort_by_key(|(entry, _)| entry.pid);
    found
}

/// Removes what sessions left in `directory` that did not come to their end.
fn bury(directory: &Path) {
    alive(directory);
    // A session that was killed early has a socket and no file that names it.
    let Ok(files) = fs::read_dir(directory) else { return };
    for path in files.flatten().map(|file| file.path()) {
        let name = path.file_name().and_then(|name| name.to_str());
        // One that has just begun may not listen yet.
        if name.and_then(server::process_of).is_some_and(is_dead) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether no process has this number.
#[cfg(unix)]
fn is_dead(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let found = pid.map(rustix::process::test_kill_process);
    matches!(found, Some(Err(rustix::io::Errno::SRCH)))
}

#[cfg(not(unix))]
fn is_dead(_: u32) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let files = fs::read_dir(directory).unwrap().flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The number of a process that has ended.
    fn dead() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    fn leave(directory: &Path, pid: u32, address: &Path) {
        let entry = Entry { pid, address: address.to_owned(), token: "secret".to_owned() };
        let path = directory.join(format!("control-{pid}-0.json"));
        fs::write(path, serde_json::to_vec(&entry).unwrap()).unwrap();
    }

    #[test]
    fn what_dead_sessions_left_is_removed_by_the_next_and_the_living_are_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("run");
        private_directory(&directory).unwrap();
        let (dead, own) = (dead(), std::process::id());
        let socket = |pid: u32, number: u32| directory.join(format!("control-{pid}-{number}.sock"));
        // One with all that it had, one that was killed before it said where it listens, one with its socket elsewhere.
        drop(UnixListener::bind(socket(dead, 0)).unwrap());
        leave(&directory, dead, &socket(dead, 0));
        drop(UnixListener::bind(socket(dead, 1)).unwrap());
        let elsewhere = place.path().join("liveswap-elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        drop(UnixListener::bind(elsewhere.join("control.sock")).unwrap());
        leave(&directory, dead - 1, &elsewhere.join("control.sock"));
        // A living one that listens, one that is about to, and what is nobody's.
        let _listens = UnixListener::bind(socket(own, 70_001)).unwrap();
        leave(&directory, own, &socket(own, 70_001));
        drop(UnixListener::bind(socket(own, 70_002)).unwrap());
        fs::write(directory.join("notes"), "of somebody").unwrap();

        let (heard, _hearing) = crossbeam_channel::unbounded();
        let server = Server::start(&directory, heard).unwrap();
        let session = SessionFile::write(&directory, &server).unwrap();
        let here = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut expected = vec![
            here(server.address()),
            here(&session.path),
            format!("control-{own}-0.json"),
            format!("control-{own}-70001.sock"),
            format!("control-{own}-70002.sock"),
            "notes".to_owned(),
        ];
        expected.sort();
        expected.dedup();
        assert_eq!(names(&directory), expected);
        assert!(!elsewhere.exists());
        drop((session, server));
        assert!(!names(&directory).iter().any(|name| name == "control.sock"));
    }
}
