//! By which of its imports a shared artifact may leave pointers to itself in the program.
//!
//! Threads and destructors are counted; a callsite, a hook or a task that is registered somewhere is not. Whoever keeps
//! such a thing beyond a call keeps it in a variable of its own. So an artifact is judged by whom it calls:
//!
//! 1. The language's own libraries keep nothing but what is counted, with the exceptions in [`STANDARD_KEEPERS`].
//! 2. A crate without writable variables in the program has no place to keep anything. Those of the program's crates are
//!    read from the symbols of its executable, once; where those are not there, every crate may have some.
//! 3. A few crates have variables and keep nothing of their callers; they were read for it ([`HARMLESS`]).
//! 4. The crates of `tracing` and `log` have variables, and every other hot crate calls them. They were read: what they keep
//!    of a caller's is a callsite, a subscriber or a logger, and by which functions is listed ([`DIAGNOSTIC_KEEPERS`]).
//!    Callsites that have a home (`callsites.rs`) are not kept; an artifact that has others is.
//! 5. Of the C library, what takes a function or memory for later is listed ([`C_KEEPERS`]). Any other function that is
//!    not Rust's may keep what it likes.
//!
//! What is stored in values that the program keeps (a trait object, a `fn`, a `&'static str` of hot code) has no import.
//! Which signatures let such values out is said in the guide.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use object::elf::{FileHeader64, STB_WEAK};
use object::read::elf::{ElfFile, FileHeader, Sym};
use object::read::{ReadCache, RelocationTarget, SymbolIndex};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use tracing::callsite::DefaultCallsite;

/// The language's own libraries, and what every hot crate is made with.
const OWN: &[&str] =
    &["core", "alloc", "std", "__rustc", "compiler_builtins", "panic_unwind", "liveswap_abi"];

/// Functions of the standard library that keep a function for later.
const STANDARD_KEEPERS: &[&str] =
    &["set_hook", "update_hook", "set_alloc_error_hook", "add_spawn_hook", "set_output_capture"];

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

/// What the macros of `tracing` call the static of a callsite.
const CALLSITE: &[u8] = b"__CALLSITE";

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

/// The libraries of the system whose functions are judged by [`C_KEEPERS`].
const SYSTEM: &[&str] =
    &["libc.so", "libm.so", "libgcc_s.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux"];

/// Why the artifact in the file `artifact` may have left a pointer to itself in the program; `None` where it cannot.
///
/// `own` is the crate it was made of, `housed` how many `tracing` callsites of it have a home.
pub(crate) fn reason(artifact: &Path, own: &str, housed: usize) -> Option<String> {
    static PROGRAM: OnceLock<Result<Variables, String>> = OnceLock::new();
    let (imports, callsites) = match read(artifact, |data| Ok((imports(data)?, callsites(data)?))) {
        Ok(read) => read,
        Err(error) => return Some(format!("what its code calls cannot be read: {error}")),
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
        let variables = read(&executable, variables)?;
        if variables.is_empty() { Err("it has no symbols".to_owned()) } else { Ok(variables) }
    });
    imports.iter().find_map(|import| judge(import, own, program.as_ref()))
}

/// A symbol that an artifact leaves open.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    name: String,
    /// The library that promised it to the linker.
    library: Option<String>,
}

/// One writable variable of each crate that has any.
type Variables = BTreeMap<String, String>;

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
    let Ok(path) = rustc_demangle::try_demangle(name).map(|path| format!("{path:#}")) else {
        return judge_foreign(import);
    };
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

fn read<T>(
    path: &Path,
    parse: impl FnOnce(&ReadCache<File>) -> object::read::Result<T>,
) -> Result<T, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    parse(&ReadCache::new(file)).map_err(|error| error.to_string())
}

fn imports(data: &ReadCache<File>) -> object::read::Result<BTreeSet<Import>> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let endian = file.endian();
    let versions = file.elf_header().sections(endian, data)?.versions(endian, data)?;
    let symbols = file.elf_dynamic_symbol_table();
    let referred = file.dynamic_relocations().into_iter().flatten();
    let referred: BTreeSet<usize> = referred
        .filter_map(|(_, relocation)| match relocation.target() {
            RelocationTarget::Symbol(index) => Some(index.0),
            _ => None,
        })
        .collect();
    let mut imports = BTreeSet::new();
    for index in referred.into_iter().map(SymbolIndex) {
        let symbol = symbols.symbol(index)?;
        let name = symbols.symbol_name(endian, symbol)?;
        // Weak and absent are the hooks of profilers and transactions.
        let weak = symbol.st_bind() == STB_WEAK
            && (name.starts_with(b"_ITM_") || name == b"__cxa_finalize");
        if !symbol.is_undefined(endian) || name.is_empty() || weak {
            continue;
        }
        let version = match &versions {
            Some(versions) => versions.version(versions.version_index(endian, index).index())?,
            None => None,
        };
        let library = version.and_then(|version| version.file());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        imports.insert(Import { name: text(name), library: library.map(text) });
    }
    Ok(imports)
}

/// How many statics of the artifact are called as the macros of `tracing` call a callsite.
fn callsites(data: &ReadCache<File>) -> object::read::Result<usize> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let named = |name: &[u8]| name.windows(CALLSITE.len()).any(|part| part == CALLSITE);
    let callsites = file.symbols().filter(|symbol| {
        symbol.is_definition()
            && symbol.kind() == SymbolKind::Data
            && symbol.name_bytes().is_ok_and(named)
            && symbol.size() == size_of::<DefaultCallsite>() as u64
    });
    Ok(callsites.count())
}

fn variables(data: &ReadCache<File>) -> object::read::Result<Variables> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let writable: BTreeSet<usize> = file
        .sections()
        .filter(|section| {
            let constant = section.name().is_ok_and(|name| name.starts_with(".data.rel.ro"));
            !constant
                && matches!(
                    section.kind(),
                    SectionKind::Data
                        | SectionKind::UninitializedData
                        | SectionKind::Tls
                        | SectionKind::UninitializedTls
                )
        })
        .map(|section| section.index().0)
        .collect();
    let mut variables = Variables::new();
    for symbol in file.symbols() {
        if !symbol.section_index().is_some_and(|section| writable.contains(&section.0)) {
            continue;
        }
        let Ok(Ok(path)) = symbol.name().map(rustc_demangle::try_demangle) else { continue };
        let path = format!("{path:#}");
        for root in roots(&path) {
            variables.entry(root.to_owned()).or_insert_with(|| path.clone());
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests;
