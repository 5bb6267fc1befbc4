use std::path::Path;
use std::process::Command;

use super::*;

const PLAIN: &str = "
thread_local!(static SEEN: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) });
#[unsafe(no_mangle)]
pub extern \"C\" fn seen() -> usize {
    println!(\"{:?}\", std::env::args().next());
    std::thread::spawn(|| 3).join().unwrap() + SEEN.with_borrow(String::len)
}
";

const INITIALIZERS: &str = "
extern \"C\" fn counts_up() {
    std::hint::black_box(1);
}
mod inner {
    pub extern \"C\" fn counts_down() {
        std::hint::black_box(2);
    }
}
#[used]
#[unsafe(link_section = \".init_array\")]
static FIRST: extern \"C\" fn() = counts_up;
#[used]
#[unsafe(link_section = \".init_array.00010\")]
static SECOND: extern \"C\" fn() = inner::counts_down;
";

#[cfg(target_env = "gnu")]
const CHOOSING: &str = "
std::arch::global_asm!(
    \".globl liveswap_chosen\",
    \".type liveswap_chosen, %gnu_indirect_function\",
    \"liveswap_chosen:\",
    \".zero 16\",
    \".size liveswap_chosen, 16\",
);
unsafe extern \"C\" { fn liveswap_chosen(); }
#[unsafe(no_mangle)]
pub extern \"C\" fn chosen() {
    unsafe { liveswap_chosen() }
}
";

/// What is found in a library by this compiler, with some options; `None` where it refuses them.
fn found(source: &str, options: &[&str]) -> Option<Initializers> {
    let directory = tempfile::tempdir().unwrap();
    let library = compiled(directory.path(), source, options)?;
    Some(of_file(&File::open(library).unwrap()).unwrap())
}

fn compiled(directory: &Path, source: &str, options: &[&str]) -> Option<std::path::PathBuf> {
    let (code, library) = (directory.join("library.rs"), directory.join("library.so"));
    std::fs::write(&code, source).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--crate-type=cdylib"]).args(options);
    let output = command.arg("-o").args([&library, &code]).output().unwrap();
    output.status.success().then_some(library)
}

/// What linkers do differently with tables and relocations.
const LINKERS: &[&[&str]] = &[
    &[],
    &["-O"],
    &["-Cstrip=debuginfo"],
    &["-Clink-arg=-Wl,-z,pack-relative-relocs"],
    &["-Clink-arg=-fuse-ld=bfd"],
    &["-Clink-arg=-fuse-ld=lld"],
    &["-Clink-arg=-fuse-ld=wild"],
];

#[test]
fn ordinary_libraries_have_none_of_their_own() {
    let tried = LINKERS.iter().filter_map(|options| {
        let found = found(PLAIN, options)?;
        assert_eq!(found, Initializers::default(), "{options:?}");
        Some(())
    });
    assert!(tried.count() >= 3);
}

#[test]
fn those_of_the_crate_are_found_by_name_whatever_the_linker() {
    let source = format!("{PLAIN}{INITIALIZERS}");
    let expected = ["library::counts_up", "library::inner::counts_down"].map(str::to_owned);
    let tried = LINKERS.iter().filter_map(|options| {
        let found = found(&source, options)?;
        assert_eq!(found.called, BTreeSet::from(expected.clone()), "{options:?}");
        assert_eq!(found.choosing, BTreeSet::new(), "{options:?}");
        assert!(!found.is_empty());
        assert_eq!(found.names(), "`library::counts_up`, `library::inner::counts_down`");
        Some(())
    });
    assert!(tried.count() >= 3);
}

/// Without names nobody can say which are everybody's, so all count.
#[test]
fn without_names_all_are_unknown() {
    let found = found(PLAIN, &["-Cstrip=symbols"]).expect("the default works");
    assert!(!found.called.is_empty(), "{found:?}");
    assert!(found.called.iter().all(|name| name.starts_with("the function at 0x")), "{found:?}");
}

#[test]
#[cfg(target_env = "gnu")]
fn functions_that_choose_others_are_found() {
    let found = found(CHOOSING, &[]).expect("this system has them");
    assert_eq!(found.choosing.len(), 1, "{found:?}");
    assert!(!found.is_empty());
}

#[test]
fn the_first_are_named_and_all_are_counted() {
    let called = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
    let many = Initializers { called, choosing: BTreeSet::new() };
    assert_eq!(many.names(), "`a`, `b`, `c` and 2 more");
}
