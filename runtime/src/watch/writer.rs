//! Whether a process has a file open for writing, where the system can be asked.
//!
//! A writer that pauses looks like one that is done. On Linux every process of this user lists its open files, so
//! the writer can be found; those of other users and of other machines cannot.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether some process is known to have the file at `path` open for writing.
///
/// Reads the open files of every process, which takes milliseconds: to be asked only where nothing else tells.
#[must_use]
pub(crate) fn is_there(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let numbered = process.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok());
        numbered && has_open(&process.path(), &file)
    })
}

/// Whether the process with this directory writes to the file. One that is not ours to ask does not, as far as known.
fn has_open(process: &Path, file: &fs::Metadata) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        let state = process.join("fdinfo").join(descriptor.file_name());
        let writes =
            fs::read_to_string(state).is_ok_and(|state| may_be_written(&state, file.ino()));
        writes
            && fs::metadata(descriptor.path())
                .is_ok_and(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()))
    })
}

/// Whether a descriptor in this state (proc_pid_fdinfo(5)) is open for writing and may be the file with that inode,
/// which older kernels do not name.
fn may_be_written(state: &str, inode: u64) -> bool {
    let field = |name| state.lines().find_map(|line: &str| line.strip_prefix(name));
    let flags = field("flags:").and_then(|value| u32::from_str_radix(value.trim(), 8).ok());
    let named = field("ino:").and_then(|value| value.trim().parse::<u64>().ok());
    flags.is_some_and(|flags| flags & 0o3 != 0) && named.is_none_or(|named| named == inode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_writer_is_there_until_it_closes() {
        let dir = tempfile::tempdir().unwrap();
        let [path, other] = ["artifact", "other"].map(|name| dir.path().join(name));
        assert!(!is_there(&path), "there is no such file");
        let writer = File::create(&path).unwrap();
        fs::hard_link(&path, &other).unwrap();
        assert!(is_there(&path));
        assert!(is_there(&other), "whatever name it is open by");
        drop(writer);
        assert!(!is_there(&path));
        let _reader = File::open(&path).unwrap();
        assert!(!is_there(&path));
    }

    #[test]
    fn a_writer_in_another_process_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("artifact");
        let mut command = std::process::Command::new("cat");
        command.stdin(std::process::Stdio::piped()).stdout(File::create(&path).unwrap());
        let mut child = command.spawn().unwrap();
        drop(command);
        assert!(is_there(&path));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!is_there(&path));
    }

    #[test]
    fn the_state_of_a_descriptor_is_read() {
        let state = "pos:\t0\nflags:\t0100001\nmnt_id:\t25\nino:\t7\n";
        assert!(may_be_written(state, 7));
        assert!(!may_be_written(state, 8));
        assert!(may_be_written("flags:\t02\n", 8), "no inode is named: look closer");
        assert!(!may_be_written("flags:\t0100000\nino:\t7\n", 7));
        assert!(!may_be_written("", 7));
    }
}
