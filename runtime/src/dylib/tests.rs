use super::*;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// A library in C and one in Rust, built once for all tests, and copied for each.
struct Fixtures {
    _root: tempfile::TempDir,
    plain: PathBuf,
    sticky: PathBuf,
}

const PLAIN: &str = "
#[unsafe(no_mangle)]
pub extern \"C\" fn answer() -> i32 { 42 }
#[unsafe(no_mangle)]
pub static LIMIT: i32 = 7;
";

/// Touching the thread-local leaves a destructor behind for when the thread ends.
const STICKY: &str = "
struct Loud;
impl Drop for Loud { fn drop(&mut self) {} }
thread_local! { static LOCAL: Loud = const { Loud }; }
#[unsafe(no_mangle)]
pub extern \"C\" fn touch() { LOCAL.with(|_| {}) }
";

fn build(directory: &Path, name: &str, source: &str) -> PathBuf {
    let code = directory.join(format!("{name}.rs"));
    fs::write(&code, source).unwrap();
    let library = directory.join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-o"])
        .args([&library, &code])
        .status()
        .unwrap();
    assert!(status.success());
    library
}

fn fixtures() -> &'static Fixtures {
    static FIXTURES: OnceLock<Fixtures> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let plain = build(root.path(), "plain", PLAIN);
        let sticky = build(root.path(), "sticky", STICKY);
        Fixtures { _root: root, plain, sticky }
    })
}

/// A copy of its own for a test, as a stage is.
fn copy(of: &Path) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(of.file_name().unwrap());
    fs::copy(of, &path).unwrap();
    (directory, path)
}

fn open(path: &Path) -> Result<Image, Error> {
    // SAFETY: the fixtures are built by this test and have no initializers of their own.
    unsafe { Image::open(path) }
}

fn close(image: Image) -> CloseOutcome {
    // SAFETY: the tests keep no pointer past this call and no thread inside the fixture.
    unsafe { image.close() }
}

fn answer(image: &Image) -> i32 {
    let address = image.symbol("answer").unwrap();
    // SAFETY: the fixture declares the symbol as a function of this type.
    let answer = unsafe { std::mem::transmute::<NonNull<c_void>, extern "C" fn() -> i32>(address) };
    answer()
}

#[test]
fn a_library_is_loaded_used_closed_and_gone() {
    let (directory, path) = copy(&fixtures().plain);
    let image = open(&path).unwrap();
    assert_eq!(answer(&image), 42);
    assert_eq!(image.path(), path);

    let listed = image.mapped().unwrap().clone();
    assert_eq!(images_mapped(directory.path()).unwrap(), std::slice::from_ref(&listed));
    assert_eq!(close(image), CloseOutcome::Unloaded);
    assert_eq!(images_mapped(directory.path()).unwrap(), []);
}

#[cfg(any(target_os = "linux", target_os = "android", windows))]
#[test]
fn addresses_of_symbols_are_inside_the_image() {
    let (_directory, path) = copy(&fixtures().plain);
    let image = open(&path).unwrap();
    let mapped = image.mapped().unwrap();
    let function = image.symbol("answer").unwrap().as_ptr().addr();
    let value = image.symbol("LIMIT").unwrap();
    assert!(mapped.contains(function) && mapped.contains(value.as_ptr().addr()));
    assert!(!mapped.contains(fixtures as *const () as usize));
    let code = mapped.segments.iter().find(|segment| segment.range.contains(&function)).unwrap();
    assert!(code.executable);
    assert!(mapped.size() > 0);
    // SAFETY: the fixture declares the symbol as a static of this type.
    assert_eq!(unsafe { value.cast::<i32>().read() }, 7);
    assert_eq!(close(image), CloseOutcome::Unloaded);
}

#[test]
fn two_copies_are_two_images_and_one_path_is_one() {
    let (first_directory, first_path) = copy(&fixtures().plain);
    let (_second_directory, second_path) = copy(&fixtures().plain);
    let first = open(&first_path).unwrap();
    let second = open(&second_path).unwrap();
    let again = open(&first_path).unwrap();
    assert_ne!(first.mapped().unwrap().base, second.mapped().unwrap().base);
    assert_eq!(first.mapped(), again.mapped());

    assert_eq!(images_mapped(first_directory.path()).unwrap().len(), 1);
    let CloseOutcome::StillMapped { remnant, refusal: None } = close(first) else {
        panic!("another handle is open");
    };
    assert!(remnant.is_mapped());
    assert_eq!(close(again), CloseOutcome::Unloaded);
    assert!(!remnant.is_mapped());
    assert_eq!(close(second), CloseOutcome::Unloaded);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn what_a_thread_local_keeps_is_still_mapped_and_collected_when_the_thread_is_gone() {
    let (directory, path) = copy(&fixtures().sticky);
    let image = open(&path).unwrap();
    let (touched, is_touched) = crossbeam_channel::bounded(0);
    let (end, ended) = crossbeam_channel::bounded::<()>(0);
    let address = image.symbol("touch").unwrap().as_ptr().addr();
    let thread = std::thread::spawn(move || {
        // SAFETY: the fixture declares the symbol as a function of this type, and is mapped.
        let touch = unsafe { std::mem::transmute::<usize, extern "C" fn()>(address) };
        touch();
        touched.send(()).unwrap();
        let _ = ended.recv();
    });
    is_touched.recv().unwrap();

    let CloseOutcome::StillMapped { remnant, refusal: None } = close(image) else {
        panic!("the thread-local of a living thread was not in the way");
    };
    assert_eq!(images_mapped(directory.path()).unwrap(), [remnant.image().clone()]);
    // SAFETY: as for `close`; the loader itself holds what the thread still needs.
    let outcome = unsafe { remnant.collect() };
    let CloseOutcome::StillMapped { remnant, .. } = outcome else { panic!("collected too soon") };

    drop(end);
    thread.join().unwrap();
    assert!(remnant.is_mapped(), "nothing has made the loader look");
    // SAFETY: the thread is gone.
    assert_eq!(unsafe { remnant.collect() }, CloseOutcome::Unloaded);
    assert_eq!(images_mapped(directory.path()).unwrap(), []);
}

#[test]
fn a_dropped_image_stays() {
    let (directory, path) = copy(&fixtures().plain);
    drop(open(&path).unwrap());
    assert_eq!(images_mapped(directory.path()).unwrap().len(), 1);
    // Once more opened and closed, it still has the first handle.
    assert!(matches!(close(open(&path).unwrap()), CloseOutcome::StillMapped { .. }));
}

#[cfg(unix)]
#[test]
fn the_list_knows_an_image_whose_file_is_gone() {
    let (directory, path) = copy(&fixtures().plain);
    let image = open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(images_mapped(directory.path()).unwrap().len(), 1);
    assert_eq!(answer(&image), 42);
    assert_eq!(close(image), CloseOutcome::Unloaded);
}

#[test]
fn what_is_no_library_is_refused_in_the_loaders_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text.so");
    fs::write(&path, "this is a text of some length, and no library at all").unwrap();
    let error = open(&path).unwrap_err();
    let Error::LibraryOpen { path: refused, reason } = &error else { panic!("{error}") };
    assert_eq!(*refused, path);
    assert!(!reason.is_empty() && !reason.contains("dlopen failed"), "{reason}");
    assert!(matches!(open(&directory.path().join("none")), Err(Error::LibraryOpen { .. })));
}

#[test]
fn a_symbol_that_is_not_there_is_named() {
    let (_directory, path) = copy(&fixtures().plain);
    let image = open(&path).unwrap();
    for name in ["question", "with\0zero"] {
        let error = image.symbol(name).unwrap_err();
        assert!(matches!(&error, Error::SymbolMissing { symbol, .. } if symbol == name), "{error}");
    }
    assert_eq!(close(image), CloseOutcome::Unloaded);
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_gives_what_its_libraries_export_and_nothing_else() {
    assert!(is_exported(b"malloc"));
    assert!(!is_exported(b"liveswap_no_such_symbol"));
    assert!(!is_exported(b"mal\0loc"));
}

#[test]
fn images_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Image>();
    crosses::<CloseOutcome>();
}
