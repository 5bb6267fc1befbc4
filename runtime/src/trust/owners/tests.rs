use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::file::OpenFailure;

struct Tree {
    root: tempfile::TempDir,
    owners: Owners,
}

impl Tree {
    /// A directory that is trusted, with an artifact in it.
    fn new() -> Tree {
        let root = tempfile::tempdir().unwrap();
        let owners = Owners::of_program_in(root.path());
        let tree = Tree { root, owners };
        tree.file("artifact", "good");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.root.path()).unwrap().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        mode(&path, 0o644);
        path
    }

    fn directory(&self, name: &str, bits: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        mode(&path, bits);
        path
    }

    /// What is in the file at `path`, if it is trusted.
    fn read(&self, path: &Path) -> Result<String, String> {
        text_of(self.owners.open(path))
    }
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

fn text_of(opened: Result<(File, Metadata), Failure>) -> Result<String, String> {
    match opened {
        Ok((mut file, _)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            Ok(text)
        }
        Err(Failure::Untrusted(difference)) => Err(difference.to_string()),
        Err(Failure::Open(OpenFailure::NotAFile(found))) => Err(found.to_owned()),
        Err(Failure::Open(OpenFailure::Io(error))) => Err(error.to_string()),
    }
}

#[test]
fn the_rule() {
    const OTHER: u32 = 4242;
    const ABOVE: u32 = 1000;
    let owners = Owners::new(7, &[8], &[ABOVE]);
    let nobody = |_: u32, _: &[u32]| None;
    let somebody = |_: u32, _: &[u32]| Some("the group users (100)".to_owned());
    let find = |kind, owner, mode, group: &dyn Fn(u32, &[u32]) -> Option<String>| {
        let facts = Facts { kind, owner, group: 100, mode };
        let found = owners.find(&facts, Path::new("/a/b"), group);
        found.map_err(|difference| difference.to_string())
    };
    for owner in [7, ROOT, 8] {
        assert_eq!(find(Kind::File, owner, 0o644, &somebody), Ok(()));
        assert_eq!(find(Kind::Directory, owner, 0o755, &somebody), Ok(()));
        assert_eq!(find(Kind::File, owner, 0o664, &nobody), Ok(()), "a group of one's own");
        assert_eq!(find(Kind::Directory, owner, 0o2775, &nobody), Ok(()));
        assert_eq!(find(Kind::Directory, owner, 0o1777, &somebody), Ok(()), "as /tmp");
    }
    assert_eq!(find(Kind::Directory, ABOVE, 0o755, &somebody), Ok(()), "above the program");

    assert!(find(Kind::Closed, 7, 0o1777, &nobody).is_err(), "where nothing may be added");

    let foreign = find(Kind::File, ABOVE, 0o644, &nobody).unwrap_err();
    let expected = format!("owner of `/a/b`: {} or root (0) or {} -> ", user(7), user(8));
    assert!(foreign.starts_with(&expected), "{expected}: {foreign}");
    for part in ["give it to the user who runs the program (`chown 7 /a/b`)", "Trust::signed"] {
        assert!(foreign.contains(part), "{part}: {foreign}");
    }
    let foreign = find(Kind::Directory, OTHER, 0o1777, &nobody).unwrap_err();
    assert!(foreign.starts_with("owner of the directory `/a/b`: "), "{foreign}");
    assert!(foreign.contains(" or root (0) or ") && foreign.contains("uid 4242;"), "{foreign}");

    assert_eq!(
        find(Kind::File, 7, 0o666, &nobody).unwrap_err(),
        "permissions of `/a/b`: nobody else may write -> mode 0666: everybody may; `chmod go-w /a/b`, and build with a \
         umask that leaves it so"
    );
    assert_eq!(
        find(Kind::Directory, 7, 0o777, &nobody).unwrap_err(),
        "permissions of the directory `/a/b`: nobody else may write -> mode 0777: everybody may; `chmod go-w /a/b`, and \
         save again"
    );
    assert_eq!(
        find(Kind::File, 7, 0o664, &somebody).unwrap_err(),
        "permissions of `/a/b`: nobody else may write -> mode 0664: the group users (100) may; `chmod g-w /a/b`, and \
         build with a umask that leaves it so"
    );
    assert!(find(Kind::File, 7, 0o1666, &nobody).is_err(), "the bit means nothing on a file");
}

#[test]
fn whoever_could_have_replaced_the_program_is_trusted_with_directories_only() {
    let owners = Owners::new(7, &[], &[0, 1000]);
    assert_eq!((owners.of_files, owners.of_directories), (vec![0, 7], vec![0, 7, 1000]));
    let this = Owners::of_this_process();
    assert!(this.of_files.contains(&geteuid().as_raw()) && this.of_files.contains(&ROOT));
}

#[test]
fn a_file_in_a_trusted_directory_is_opened_by_every_name() {
    let tree = Tree::new();
    tree.directory("inner", 0o755);
    symlink(tree.path("inner"), tree.path("absolute")).unwrap();
    symlink("inner/../inner", tree.path("relative")).unwrap();
    fs::rename(tree.path("artifact"), tree.path("inner/artifact")).unwrap();
    for name in
        ["inner/artifact", "absolute/artifact", "relative/artifact", "inner/../inner/artifact"]
    {
        assert_eq!(tree.read(&tree.path(name)), Ok("good".to_owned()), "{name}");
    }
}

#[test]
fn what_others_can_write_to_is_refused_wherever_it_is() {
    let tree = Tree::new();
    let artifact = tree.path("artifact");
    mode(&artifact, 0o646);
    let why = tree.read(&artifact).unwrap_err();
    assert!(why.contains("mode 0646: everybody may"), "{why}");

    let open = tree.directory("open", 0o777);
    tree.directory("open/inner", 0o755);
    tree.file("open/inner/artifact", "bad");
    let why = tree.read(&tree.path("open/inner/artifact")).unwrap_err();
    let expected = format!("permissions of the directory `{}`: nobody else", open.display());
    assert!(why.starts_with(&expected), "{why}");

    symlink("open/inner", tree.path("link")).unwrap();
    let why = tree.read(&tree.path("link/artifact")).unwrap_err();
    assert!(why.starts_with(&expected), "by a link: {why}");

    mode(&open, 0o1777);
    assert_eq!(tree.read(&tree.path("link/artifact")), Ok("bad".to_owned()), "as in /tmp");
}

#[test]
fn a_directory_that_is_swapped_after_it_was_judged_is_not_the_one_that_is_read() {
    let tree = Tree::new();
    tree.directory("good", 0o755);
    fs::rename(tree.path("artifact"), tree.path("good/artifact")).unwrap();
    tree.directory("bad", 0o777);
    tree.file("bad/artifact", "bad");
    symlink("good", tree.path("link")).unwrap();

    let place = Place::of(&tree.path("link/artifact"), &tree.owners).unwrap();
    fs::remove_file(tree.path("link")).unwrap();
    symlink("bad", tree.path("link")).unwrap();
    assert_eq!(text_of(place.open(&tree.owners)), Ok("good".to_owned()));

    let place = Place::of(&tree.path("good/artifact"), &tree.owners).unwrap();
    fs::rename(tree.path("good"), tree.path("aside")).unwrap();
    fs::rename(tree.path("bad"), tree.path("good")).unwrap();
    let opened = text_of(place.open(&tree.owners));
    assert_eq!(opened, Ok("good".to_owned()), "another directory under the same name");
}

#[test]
fn a_file_that_is_swapped_after_its_directory_was_judged_is_judged_itself() {
    let tree = Tree::new();
    let artifact = tree.path("artifact");
    let place = Place::of(&artifact, &tree.owners).unwrap();
    let outside = tree.file("outside", "bad");
    fs::remove_file(&artifact).unwrap();
    symlink(&outside, &artifact).unwrap();
    assert_eq!(text_of(place.open(&tree.owners)), Err("a symbolic link".to_owned()));

    fs::rename(&outside, &artifact).unwrap();
    mode(&artifact, 0o666);
    let why = text_of(place.open(&tree.owners)).unwrap_err();
    assert!(why.contains("mode 0666: everybody may"), "{why}");
    mode(&artifact, 0o644);
    assert_eq!(text_of(place.open(&tree.owners)), Ok("bad".to_owned()), "it is as good as another");
}

#[test]
fn links_in_a_circle_end_and_what_is_no_directory_is_said() {
    let tree = Tree::new();
    symlink("b", tree.path("a")).unwrap();
    symlink("a", tree.path("b")).unwrap();
    assert!(tree.read(&tree.path("a/artifact")).unwrap_err().contains("symbolic links"));
    let why = tree.read(&tree.path("artifact/artifact")).unwrap_err();
    assert!(why.to_lowercase().contains("not a directory"), "{why}");
}

#[test]
fn only_root_can_make_files_of_others() {
    let tree = Tree::new();
    let artifact = tree.path("artifact");
    if std::os::unix::fs::chown(&artifact, Some(4242), None).is_err() {
        // Only root can give files away.
        return;
    }
    let why = tree.read(&artifact).unwrap_err();
    assert!(why.contains(" -> uid 4242;"), "{why}");

    let foreign = tree.directory("foreign", 0o755);
    tree.file("foreign/artifact", "bad");
    std::os::unix::fs::chown(&foreign, Some(4242), None).unwrap();
    let why = tree.read(&tree.path("foreign/artifact")).unwrap_err();
    assert!(why.starts_with("owner of the directory `"), "{why}");
    let mut owners = tree.owners.clone();
    owners.of_directories.push(4242);
    let opened = text_of(owners.open(&tree.path("foreign/artifact")));
    assert_eq!(opened, Ok("bad".to_owned()), "above the program");

    let link = tree.path("link");
    symlink(tree.path("."), &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(4242), None).unwrap();
    let why = tree.read(&link.join("artifact")).unwrap_err();
    assert!(why.starts_with("owner of the symbolic link `"), "{why}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_group_that_may_write_is_ones_own_unless_an_access_list_says_more() {
    let tree = Tree::new();
    let artifact = tree.path("artifact");
    mode(&artifact, 0o664);
    let file = File::open(&artifact).unwrap();
    let group = file.metadata().unwrap().gid();
    let alone = group::writers(&file, group, &[geteuid().as_raw()]);
    assert_eq!(tree.read(&artifact).is_ok(), alone.is_none(), "{alone:?}");

    // A list as `setfacl -m u:4242:rw` writes it: the owner, that user, the group, what all may have, others.
    let mut list = 2u32.to_le_bytes().to_vec();
    let none = u32::MAX;
    for (tag, bits, id) in
        [(1u16, 6u16, none), (2, 6, 4242), (4, 4, none), (16, 6, none), (32, 4, none)]
    {
        list.extend(tag.to_le_bytes());
        list.extend(bits.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::fsetxattr(&file, "system.posix_acl_access", &list, flags).is_err() {
        // Not every file system has access lists.
        return;
    }
    let why = tree.read(&artifact).unwrap_err();
    assert!(why.contains("mode 0664: somebody named in its access list may"), "{why}");
}

#[test]
fn a_private_directory_is_this_users_alone_and_no_link() {
    let tree = Tree::new();
    let private = tree.directory("private", 0o700);
    assert!(tree.owners.private(&private).is_ok());
    symlink(&private, tree.path("link")).unwrap();
    let refused = |path: &Path| match tree.owners.private(path) {
        Err(Failure::Untrusted(difference)) => difference.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refused(&tree.path("link")).contains("something else of "));
    mode(&private, 0o750);
    let why = refused(&private);
    assert!(
        why.contains("with mode 0700 -> a directory of ") && why.contains("mode 0750"),
        "{why}"
    );
}
