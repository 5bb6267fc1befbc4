//! Who may write because of a file's group.
//!
//! Where every user has a group of their own, which is common on Linux, a umask of 002 is common too, and then every
//! file and directory may be written by that group: by nobody else. OpenSSH on Debian judges `authorized_keys` likewise.

use std::fs::File;

use nix::unistd::{Gid, Group};

use super::name;

/// Whoever besides `owners` may write to `file` because of its group; `None` if that is nobody.
pub(super) fn writers(file: &File, group: u32, owners: &[u32]) -> Option<String> {
    // With an access list, the bits of the group are what anybody named in it may have at most.
    if has_access_list(file) {
        return Some("somebody named in its access list".to_owned());
    }
    let names: Vec<String> = owners.iter().filter_map(|uid| name(*uid)).collect();
    let found = Group::from_gid(Gid::from_raw(group)).ok().flatten();
    let found = found.map(|group| (group.name, group.mem));
    is_own(group, found.as_ref(), owners, &names)
        .then_some(())
        .map_or_else(|| Some(format!("the group {}", shown(group))), |()| None)
}

/// Whether the group is one of the users' own: named like one, with no members but them. A group that has no name
/// here, as in a container that shares a directory, is one's own by its number.
fn is_own(
    number: u32,
    group: Option<&(String, Vec<String>)>,
    owners: &[u32],
    names: &[String],
) -> bool {
    match group {
        Some((name, members)) => {
            names.contains(name) && members.iter().all(|member| names.contains(member))
        }
        None => owners.contains(&number),
    }
}

/// A group by number, and by name where there is one.
pub(super) fn shown(gid: u32) -> String {
    match Group::from_gid(Gid::from_raw(gid)).ok().flatten() {
        Some(group) => format!("{} ({gid})", group.name),
        None => format!("{gid}"),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_access_list(file: &File) -> bool {
    use std::os::fd::AsRawFd;

    use rustix::io::Errno;
    // Through its name in /proc, because a directory that was opened only to be passed has no attributes itself.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut space = [0u8; 4];
    match rustix::fs::getxattr(path, "system.posix_acl_access", &mut space) {
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => false,
        // It is there, whatever its length, or it cannot be told.
        Ok(_) | Err(_) => true,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_access_list(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_ones_own_by_name_and_members_or_by_number_where_it_has_no_name() {
        let names = ["alice".to_owned(), "root".to_owned()];
        let group = |name: &str, members: &[&str]| {
            (name.to_owned(), members.iter().map(|&member| member.to_owned()).collect())
        };
        let is_own =
            |group: Option<(String, Vec<String>)>| is_own(1000, group.as_ref(), &[0, 1000], &names);
        assert!(is_own(Some(group("alice", &[]))));
        assert!(is_own(Some(group("alice", &["alice", "root"]))));
        assert!(!is_own(Some(group("alice", &["bob"]))));
        assert!(!is_own(Some(group("users", &[]))));
        assert!(is_own(None));
        assert!(!super::is_own(100, None, &[0, 1000], &names));
    }
}
