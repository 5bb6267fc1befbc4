//! Whom an artifact may call without being kept.

use super::*;

fn judged(name: &str, library: Option<&str>, program: Result<&Variables, &String>) -> String {
    let import = Import { name: name.to_owned(), library: library.map(str::to_owned) };
    judge(&import, "hot", program).unwrap_or_default()
}

#[test]
fn the_crates_in_a_path_are_found() {
    let found = |path| roots(path).into_iter().collect::<Vec<_>>();
    assert_eq!(found("core::ptr::drop_in_place<a::B<c::D>>"), ["a", "c", "core"]);
    assert_eq!(found("<dyn x::T as y::U<&[z::V]>>::f::{closure#0}"), ["x", "y", "z"]);
    assert_eq!(found("core::ptr::mut_ptr::<impl *mut T>::is_null"), ["core"]);
    assert!(found("plain").is_empty());
}

#[test]
fn only_those_who_can_keep_something_are_named() {
    let variables: Variables = [
        ("tokio", "tokio::ID"),
        ("log", "log::LOGGER"),
        ("memchr", "memchr::FN"),
        ("hot", "hot::X"),
    ]
    .map(|(name, variable)| (name.to_owned(), variable.to_owned()))
    .into();
    let program = Ok(&variables);
    for harmless in [
        "_ZN4core9panicking5panic17h0123456789abcdefE",
        "_ZN3std6thread7current17h0123456789abcdefE",
        "_ZN10serde_json5value4null17h0123456789abcdefE",
        "_ZN6memchr6memchr17h0123456789abcdefE",
        "_ZN3hot3own17h0123456789abcdefE",
        "_ZN3log13__private_api3log17h0123456789abcdefE",
        "_ZN7tracing4span4Span3new17h0123456789abcdefE",
        "_ZN12tracing_core5event5Event8dispatch17h0123456789abcdefE",
        "_ZN12tracing_core8callsite15DefaultCallsite8register17h0123456789abcdefE",
        "_Unwind_Resume",
        "__wrap_pthread_create",
    ] {
        assert_eq!(judged(harmless, None, program), "", "{harmless}");
    }
    assert_eq!(judged("memcpy", Some("libc.so.6"), program), "");
    for (keeper, library, word) in [
        ("_ZN5tokio4task5spawn17h0123456789abcdefE", None, "`tokio::ID`"),
        ("_ZN3log10set_logger17h0123456789abcdefE", None, "keeps what it is given"),
        ("_ZN12tracing_core8callsite8register17h0123456789abcdefE", None, "what it is given"),
        ("_ZN12tracing_core10dispatcher11set_default17h0123456789abcdefE", None, "`tracing_core"),
        ("_ZN3std9panicking8set_hook17h0123456789abcdefE", None, "for later"),
        ("pthread_create", Some("libc.so.6"), "`pthread_create` itself"),
        ("sqlite3_open", None, "not known"),
        ("deflate", Some("libz.so.1"), "`libz.so.1`"),
    ] {
        let why = judged(keeper, library, program);
        assert!(why.contains(word), "{keeper}: {why}");
    }
    let blind = "it has no symbols".to_owned();
    let why = judged("_ZN10serde_json5value4null17h0123456789abcdefE", None, Err(&blind));
    assert!(why.contains("`serde_json`") && why.ends_with(&blind), "{why}");
}

#[test]
#[cfg(target_os = "linux")]
fn this_program_s_own_variables_are_found() {
    static COUNTED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    COUNTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let found = read(&std::env::current_exe().unwrap(), of_program).unwrap();
    assert!(found.contains_key("tracing_core"), "{found:?}");
    assert!(!found.contains_key("rustc_demangle"), "{found:?}");
    assert!(read(Path::new("/dev/null"), of_program).is_err());
}

#[test]
fn an_artifact_of_which_not_every_callsite_has_a_home_is_kept() {
    let import = |name: &str| Import { name: name.to_owned(), library: None };
    let none = BTreeSet::new();
    let events = BTreeSet::from([import(
        "_ZN12tracing_core8callsite15DefaultCallsite8register17h0123456789abcdefE",
    )]);
    assert_eq!(homeless(&none, 0, 0), None);
    assert_eq!(homeless(&events, 2, 2), None);
    // Without symbols only those that were found are known.
    assert_eq!(homeless(&events, 0, 1), None);
    let why = homeless(&events, 0, 0).unwrap();
    assert!(why.contains("0 were found"), "{why}");
    let why = homeless(&events, 3, 2).unwrap();
    assert!(why.contains("2 were found and 3 are known"), "{why}");
}

#[test]
fn of_a_standalone_artifact_only_the_system_is_outside() {
    let judged = |name: &str, library: Option<&str>| {
        judge_alone(&Import { name: name.to_owned(), library: library.map(str::to_owned) })
    };
    for harmless in ["memcpy", "pthread_create", "pthread_setspecific", "sigaction", "write"] {
        assert_eq!(judged(harmless, Some("libc.so.6")), None, "{harmless}");
    }
    assert_eq!(judged("_Unwind_RaiseException", Some("libgcc_s.so.1")), None);
    for (keeper, library, word) in [
        ("putenv", Some("libc.so.6"), "`putenv` itself"),
        ("timer_create", Some("librt.so.1"), "`timer_create` itself"),
        ("deflate", Some("libz.so.1"), "`libz.so.1`"),
        ("given_by_the_program", None, "not known"),
        ("_ZN3std9panicking8set_hook17h0123456789abcdefE", None, "which is not in it"),
    ] {
        let why = judged(keeper, library).unwrap_or_default();
        assert!(why.contains(word), "{keeper}: {why}");
    }
    assert_eq!(judged("pthread_create", None), None, "counted, whoever promised it");
}
