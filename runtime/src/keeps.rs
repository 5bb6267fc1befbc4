//! By which of its imports a shared artifact may leave pointers to itself in the program.
//!
//! Threads and destructors are counted; a callsite, a hook or a task that is registered somewhere is not. Whoever keeps
//! such a thing beyond a call keeps it in a variable of its own. So an artifact is judged by whom it calls:
//!
//! 1. The language's own libraries keep nothing but what is counted, with the exceptions in `STANDARD_KEEPERS`.
//! 2. A crate without writable variables in the program has no place to keep anything. Those of the program's crates are
//!    read from the symbols of its executable, once; where those are not there, every crate may have some.
//! 3. A few crates have variables and keep nothing of their callers; they were read for it (`HARMLESS`).
//! 4. The crates of `tracing` and `log` have variables, and every other hot crate calls them. They were read: what they keep
//!    of a caller's is a callsite, a subscriber or a logger, and by which functions is listed (`DIAGNOSTIC_KEEPERS`).
//!    Callsites that have a home (`callsites.rs`) are not kept; an artifact that has others is.
//! 5. Of the C library, what takes a function or memory for later is listed (`C_KEEPERS`). Any other function that is
//!    not Rust's may keep what it likes.
//!
//! What is stored in values that the program keeps (a trait object, a `fn`, a `&'static str` of hot code) has no import.
//! Which signatures let such values out is said in the guide.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use object::read::ReadCache;

use crate::event::Kind;
use crate::symbol::{self, Demangled};

mod read;

use read::{Import, Variables, of_artifact, of_program, read};

/// The language's own libraries, and what every hot crate is made with.
const OWN: &[&str] =
    &["core", "alloc", "std", "__rustc", "compiler_builtins", "panic_unwind", "liveswap_abi"];

/// Functions of the standard library and of ours that keep a function for later, and where ours do.
const STANDARD_KEEPERS: &[&str] = &[
    "set_hook",
    "update_hook",
    "set_alloc_error_hook",
    "add_spawn_hook",
    "set_output_capture",
    "SPAWNER",
    "set_spawner",
    "on_unfit",
    "set_panic_listener",
    "set_left_listener",
];

/// Crates with variables of their own that hold nothing of a caller's: detected features, seeds, caches of plain data.
const HARMLESS: &[&str] = &["getrandom", "memchr", "rand", "regex_automata", "serde_core"];

/// Crates that tell of what happens, and keep of their callers only what is registered by [`DIAGNOSTIC_KEEPERS`]. What
/// they are told (events, spans, records, values) they pass on while the caller waits.
const DIAGNOSTIC: &[&str] = &["log", "tracing", "tracing_core"];

/// How callsites, subscribers and loggers are registered. (`DefaultCallsite::register` is not here: it does nothing for a
/// callsite that has a home, and every event refers to it.)
const DIAGNOSTIC_KEEPERS: &[&str] = &[
    "log::set_boxed_logger",
    "log::set_logger",
    "log::set_logger_racy",
    "tracing_core::callsite::CALLSITES",
    "tracing_core::callsite::LOCKED_CALLSITES",
    "tracing_core::callsite::dispatchers",
    "tracing_core::callsite::register",
    "tracing_core::callsite::register_dispatch",
    "tracing_core::dispatcher::set_default",
    "tracing_core::dispatcher::set_global_default",
];

/// Functions of the C library that take a function, or memory, for later. Those for threads are there for artifacts that
/// were linked without counting them. (`syscall` is not: the standard library waits by it, in code that is inlined.)
const C_KEEPERS: &[&str] = &[
    "__cxa_at_quick_exit",
    "__cxa_thread_atexit_impl",
    "__register_atfork",
    "__sysv_signal",
    "aio_read",
    "aio_write",
    "at_quick_exit",
    "bsd_signal",
    "clone",
    "fopencookie",
    "getaddrinfo_a",
    "lio_listio",
    "makecontext",
    "mq_notify",
    "on_exit",
    "pthread_atfork",
    "pthread_create",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
    "putenv",
    "setvbuf",
    "sigaction",
    "sigaltstack",
    "signal",
    "thrd_create",
    "timer_create",
    "tss_create",
    "tss_set",
];

/// Of those, what the standard library of a standalone artifact calls: it is counted, or kept by the kernel alone.
const COUNTED: &[&str] = &[
    "__cxa_thread_atexit_impl",
    "pthread_create",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
    "sigaction",
    "sigaltstack",
    "signal",
];

/// The libraries of the system whose functions are judged by [`C_KEEPERS`].
const SYSTEM: &[&str] =
    &["libc.so", "libm.so", "libgcc_s.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux"];

/// Why the artifact in the file `artifact` may have left a pointer to itself in the program; `None` where it cannot.
///
/// `own` is the crate it was made of, `housed` how many `tracing` callsites of it have a home.
pub(crate) fn reason(artifact: &Path, own: &str, housed: usize) -> Option<String> {
    static PROGRAM: OnceLock<Result<Variables, String>> = OnceLock::new();
    let (imports, callsites) = match read(artifact, |data: &ReadCache<File>| of_artifact(data)) {
        Ok(read) => read,
        Err(error) => return Some(unreadable(&error)),
    };
    if let Some(why) = homeless(&imports, callsites, housed) {
        return Some(why);
    }
    let program = PROGRAM.get_or_init(|| {
        // The very file that runs, also where another build has taken its place.
        let executable = match cfg!(target_os = "linux") {
            true => Path::new("/proc/self/exe").to_owned(),
            false => std::env::current_exe().map_err(|error| error.to_string())?,
        };
        let variables = read(&executable, of_program)?;
        if variables.is_empty() { Err("it has no symbols".to_owned()) } else { Ok(variables) }
    });
    imports.iter().find_map(|import| judge(import, own, program.as_ref()))
}

/// By which of its imports an artifact may have let out an address inside of it, if by no signature; `None` where by none.
///
/// This is stricter than [`reason`]: what that lets pass is unloaded without a search only if it is also clear here.
///
/// 1. *A shared artifact* that [`reason`] finds nothing against has called nobody who keeps something, except that a logger
///    is shown texts of the artifact as `&'static str` (`file_static`, `module_path_static`).
/// 2. *A standalone artifact* has its standard library and its dependencies with it. Outside of it is the system. Its libraries
///    are judged by `C_KEEPERS`, but for those by which threads and keys are made: they are counted, or what cannot be
///    counted keeps the generation before this is asked. What is registered with `sigaction` the kernel has, where no search
///    could see it; the standard library of an artifact has reason to only where a program starts in it.
pub(crate) fn unsearched(artifact: &Path, kind: Kind) -> Option<String> {
    let imports = match read(artifact, |data: &ReadCache<File>| read::imports(data)) {
        Ok(imports) => imports,
        Err(error) => return Some(unreadable(&error)),
    };
    imports.iter().find_map(|import| match kind {
        Kind::Shared => {
            let path = symbol::path(&import.name)?.text;
            let logs = roots(&path).contains("log");
            logs.then(|| format!("its code calls `{path}`, and a logger may keep its texts"))
        }
        _ => judge_alone(import),
    })
}

/// Judges what a standalone artifact calls outside of it.
fn judge_alone(import: &Import) -> Option<String> {
    if let Some(Demangled { text: path, .. }) = symbol::path(&import.name) {
        return Some(format!("its code calls `{path}`, which is not in it"));
    }
    (!COUNTED.contains(&import.name.as_str())).then(|| judge_foreign(import)).flatten()
}

/// Why the artifact in `bytes` may leave a pointer to itself in a program of which nothing is known.
///
/// Takes no more memory than the bytes themselves, if [`structure`](crate::structure) found nothing wrong with them.
///
/// # Examples
///
/// ```
/// let why = liveswap::keeps::of_bytes(b"no library at all", "game").unwrap();
/// assert!(why.starts_with("what its code calls cannot be read"));
/// ```
#[must_use]
pub fn of_bytes(bytes: &[u8], own: &str) -> Option<String> {
    let (imports, callsites) = match of_artifact(bytes) {
        Ok(read) => read,
        Err(error) => return Some(unreadable(&error)),
    };
    let nothing = "nobody said which it is".to_owned();
    homeless(&imports, callsites, 0)
        .or_else(|| imports.iter().find_map(|import| judge(import, own, Err(&nothing))))
}

fn unreadable(error: &str) -> String {
    format!("what its code calls cannot be read: {error}")
}

/// Why a callsite of it may be registered as it is, where not all of them were found.
///
/// `callsites` are those that its symbols name; a file without symbols names none.
fn homeless(imports: &BTreeSet<Import>, callsites: usize, housed: usize) -> Option<String> {
    let registers = |import: &Import| {
        import.name.contains("tracing_core") && import.name.contains("DefaultCallsite8register")
    };
    (housed < callsites || housed == 0 && imports.iter().any(registers)).then(|| {
        format!(
            "its code has `tracing` callsites, of which {housed} were found and {} are known: the program's \
             `tracing` keeps the others",
            callsites.max(1)
        )
    })
}

fn judge(import: &Import, own: &str, program: Result<&Variables, &String>) -> Option<String> {
    let name = import.name.as_str();
    let Some(Demangled { text: path, is_whole }) = symbol::path(name) else {
        return judge_foreign(import);
    };
    if !is_whole {
        let path = &path[..path.floor_char_boundary(200)];
        return Some(format!("its code calls `{path}..`, whose name is too long to be judged"));
    }
    let keeper = |last: &str| path.split("::").any(|part| part.split('<').next() == Some(last));
    if STANDARD_KEEPERS.iter().any(|last| keeper(last)) {
        return Some(format!("its code calls `{path}`, which keeps a function for later"));
    }
    if DIAGNOSTIC_KEEPERS.iter().any(|keeper| is_in(&path, keeper)) {
        return Some(format!("its code calls `{path}`, which keeps what it is given"));
    }
    let named = roots(&path);
    let known = [OWN, HARMLESS, DIAGNOSTIC];
    let mut others =
        named.iter().filter(|root| !known.iter().any(|list| list.contains(root)) && **root != own);
    match program {
        Ok(variables) => others.find_map(|&root| {
            let variable = variables.get(root)?;
            Some(format!(
                "its code calls `{path}`, and the crate `{root}` has variables (`{variable}` is one) in which \
                 it may keep a pointer to it"
            ))
        }),
        Err(error) => others.next().map(|root| {
            format!(
                "its code calls `{path}`, and whether the crate `{root}` has variables to keep a pointer in \
                 cannot be seen in the program's file: {error}"
            )
        }),
    }
}

/// Judges a function that is not Rust's.
fn judge_foreign(import: &Import) -> Option<String> {
    let Import { name, library } = import;
    // Made by compilers and linkers, or given by us.
    let known = name.starts_with("_Unwind_")
        || name.starts_with("__wrap_")
        || ["rust_eh_personality", "__tls_get_addr", "__gmon_start__"].contains(&name.as_str());
    if known {
        return None;
    }
    if C_KEEPERS.contains(&name.as_str()) {
        return Some(format!("its code calls `{name}` itself, which keeps what it is given"));
    }
    match library {
        Some(library) if SYSTEM.iter().any(|system| library.starts_with(system)) => None,
        Some(library) => {
            Some(format!("its code calls `{name}` of `{library}`, which is not known"))
        }
        None => Some(format!("its code calls `{name}`, which is not Rust and not known")),
    }
}

/// Whether a path is this one, or one inside of it.
fn is_in(path: &str, item: &str) -> bool {
    path.strip_prefix(item).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The crates that a path names.
fn roots(path: &str) -> BTreeSet<&str> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut roots = BTreeSet::new();
    let mut at = 0;
    while let Some(start) = path[at..].find(is_name).map(|start| at + start) {
        let end = path[start..].find(|c| !is_name(c)).map_or(path.len(), |end| start + end);
        if path[end..].starts_with("::") && !path[..start].ends_with("::") {
            roots.insert(&path[start..end]);
        }
        at = end;
    }
    roots
}

#[cfg(test)]
mod tests;
