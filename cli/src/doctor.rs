//! What commonly breaks, looked for, each with its remedy.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use liveswap::event::Difference;
use liveswap::trust;

use crate::args;
use crate::cargo;
use crate::error::Error;
use crate::lines;
use crate::project;

/// Linkers that make the artifact's link short, the fastest first.
const FAST_LINKERS: [&str; 4] = ["wild", "ld.lld", "rust-lld", "mold"];

/// So many directories are watched by editors, analyzers and this tool together on a large day.
const FEW_WATCHES: u64 = 8192;

/// So many watchers run at once on a large day.
const FEW_INSTANCES: u64 = 128;

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    what: &'static str,
    found: String,
    verdict: Verdict,
}

/// Whether that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and could be better.
    Better(String),
    /// It does not work; what to do.
    Broken(String),
}

/// Looks and prints; the exit code is 1 if something is broken.
///
/// # Errors
///
/// There is no workspace to look at, or nothing can be printed.
pub(crate) fn doctor(args: &args::Doctor) -> Result<u8, Error> {
    let target = project::target_directory(&args.place)?;
    let mut findings = vec![toolchain(), linker(), writable(&target), trusted(&target)];
    findings.extend(watches());
    findings.push(one_target_directory(&target, args.place.target_dir.is_some()));
    findings.push(leftovers(&target));
    let mut output = anstream::AutoStream::auto(io::stdout());
    for finding in &findings {
        writeln!(output, "{}", line(finding)).map_err(Error::Print)?;
    }
    let broken = findings.iter().any(|finding| matches!(finding.verdict, Verdict::Broken(_)));
    Ok(u8::from(broken))
}

fn line(finding: &Finding) -> String {
    let Finding { what, found, verdict } = finding;
    let text = format!("{what}: {found}");
    match verdict {
        Verdict::Good => format!("{}      {text}", lines::good("ok")),
        Verdict::Better(remedy) => lines::notable("could", &format!(" {text}\n        {remedy}")),
        Verdict::Broken(remedy) => lines::bad("broken", &format!("{text}\n        {remedy}")),
    }
}

fn toolchain() -> Finding {
    let said = |program: &std::ffi::OsStr| {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let wrapper = ["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER"]
        .into_iter()
        .find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    let (found, verdict) = match (said(&cargo::program()), said(&rustc)) {
        (Some(cargo), Some(rustc)) => {
            let verdict = match wrapper {
                Some(name) => Verdict::Better(format!(
                    "{name} is set: builds without it, as by an editor, give the hot crate another \
                     identity; set it for all of them or for none"
                )),
                None => Verdict::Good,
            };
            (format!("{cargo}; {rustc}"), verdict)
        }
        (cargo, rustc) => {
            let missing = |name: &str, said: &Option<String>| match said {
                Some(said) => said.clone(),
                None => format!("{name} does not run"),
            };
            let found = format!("{}; {}", missing("cargo", &cargo), missing("rustc", &rustc));
            (found, Verdict::Broken("install a toolchain, or put it on the PATH".to_owned()))
        }
    };
    Finding { what: "toolchain", found, verdict }
}

fn linker() -> Finding {
    let on_path = |name: &str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|directory| directory.join(name).is_file())
    };
    let fast: Vec<&str> = FAST_LINKERS.into_iter().filter(|name| on_path(name)).collect();
    let compiler = ["cc", "clang", "gcc"].into_iter().find(|name| on_path(name));
    let (found, verdict) = match (compiler, fast.as_slice()) {
        (None, _) if cfg!(unix) => (
            "no C compiler to link with".to_owned(),
            Verdict::Broken("install a C compiler, such as gcc or clang".to_owned()),
        ),
        (compiler, []) => (
            format!("{}, no fast linker", compiler.unwrap_or("the toolchain's own")),
            Verdict::Better("install wild or lld to shorten every swap".to_owned()),
        ),
        (compiler, fast) => (
            format!("{}, {}", compiler.unwrap_or("the toolchain's own"), fast.join(", ")),
            Verdict::Good,
        ),
    };
    Finding { what: "linker", found, verdict }
}

fn writable(target: &Path) -> Finding {
    let own = target.join("liveswap");
    let probe = own.join(format!("doctor-{}", std::process::id()));
    let tried = fs::create_dir_all(&own).and_then(|()| fs::write(&probe, b"x"));
    let _ = fs::remove_file(&probe);
    let (found, verdict) = match tried {
        Err(error) => (
            format!("`{}` cannot be written to: {error}", own.display()),
            Verdict::Broken(
                "give this user access to it, or choose another with `--target-dir`".to_owned(),
            ),
        ),
        Ok(()) => (format!("`{}`", target.display()), Verdict::Good),
    };
    Finding { what: "target directory", found, verdict }
}

/// Programs load code from there, and refuse to where somebody else could have written it.
fn trusted(target: &Path) -> Finding {
    let own = target.join("liveswap");
    let (found, verdict) = match trust::look_at_directory(&own) {
        Ok(None) => (format!("nobody else can write to `{}`", target.display()), Verdict::Good),
        Ok(Some(Difference { item, expected, found, remedy })) => (
            format!("{item}: {expected} -> {found}"),
            Verdict::Broken(format!("{remedy}; or choose another place with `--target-dir`")),
        ),
        // What is in the way there is another finding's.
        Err(error) => (format!("`{}` cannot be looked at: {error}", own.display()), Verdict::Good),
    };
    Finding { what: "trust", found, verdict }
}

fn watches() -> Vec<Finding> {
    let read = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(Path::new("/proc/sys/fs/inotify").join(name)).ok()?;
        text.trim().parse().ok()
    };
    let table = [
        ("max_user_watches", "watched directories", FEW_WATCHES),
        ("max_user_instances", "watchers", FEW_INSTANCES),
    ];
    table
        .into_iter()
        .filter_map(|(name, what, few)| {
            read(name).map(|found| Finding {
                what,
                found: format!("{found} at most for this user"),
                verdict: limit(name, found, few),
            })
        })
        .collect()
}

fn limit(name: &str, found: u64, few: u64) -> Verdict {
    if found >= few {
        return Verdict::Good;
    }
    Verdict::Better(format!(
        "files are polled when there are no more: `sysctl fs.inotify.{name}={}`",
        few * 8
    ))
}

/// Programs built elsewhere than where this tool builds never see its artifacts.
fn one_target_directory(target: &Path, by_option: bool) -> Finding {
    let variables = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
    let set: Vec<String> = variables
        .into_iter()
        .filter_map(|name| {
            let value = env::var_os(name).filter(|value| !value.is_empty())?;
            Some(format!("{name}={}", value.to_string_lossy()))
        })
        .collect();
    let default = target.file_name().is_some_and(|name| name == "target");
    let (found, verdict) = match (by_option, set.as_slice()) {
        (true, []) | (false, []) if default || by_option => ("one".to_owned(), Verdict::Good),
        (_, []) => {
            (format!("cargo's configuration moves it to `{}`", target.display()), Verdict::Good)
        }
        (_, set) => (
            set.join(", "),
            Verdict::Better(
                "an editor or a shell without that variable builds somewhere else; put \
                 `build.target-dir` into .cargo/config.toml instead"
                    .to_owned(),
            ),
        ),
    };
    Finding { what: "target directories", found, verdict }
}

fn leftovers(target: &Path) -> Finding {
    let stages = target.join("liveswap").join("stages");
    let homes = fs::read_dir(&stages).into_iter().flatten().flatten().map(|entry| entry.path());
    let dead: Vec<PathBuf> =
        homes.filter(|home| home.is_dir() && is_dead(&home.join("lock"))).collect();
    let bytes: u64 = dead.iter().map(|home| size(home)).sum();
    let (found, verdict) = match dead.len() {
        0 => ("nothing of dead processes".to_owned(), Verdict::Good),
        count => (
            format!(
                "{count} stage directories of dead processes under `{}`, {:.1} MB",
                stages.display(),
                bytes as f64 / 1e6
            ),
            Verdict::Better("the next program that starts removes them".to_owned()),
        ),
    };
    Finding { what: "leftovers", found, verdict }
}

/// A stage directory belongs to whoever holds the lock in it.
fn is_dead(lock: &Path) -> bool {
    fs::File::open(lock).map_or(true, |file| file.try_lock().is_ok())
}

fn size(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_comes_with_the_command_that_raises_it() {
        assert_eq!(limit("max_user_watches", 8192, 8192), Verdict::Good);
        let Verdict::Better(remedy) = limit("max_user_watches", 10, 8192) else {
            panic!("ten are few");
        };
        assert!(remedy.contains("sysctl fs.inotify.max_user_watches=65536"), "{remedy}");
    }

    #[test]
    fn only_what_nobody_holds_is_left_over() {
        let target = tempfile::tempdir().unwrap();
        assert_eq!(leftovers(target.path()).verdict, Verdict::Good);
        let stages = target.path().join("liveswap/stages");
        for name in ["1-a", "2-b"] {
            fs::create_dir_all(stages.join(name)).unwrap();
            fs::write(stages.join(name).join("lock"), "").unwrap();
        }
        let held = fs::File::open(stages.join("1-a/lock")).unwrap();
        held.lock().unwrap();
        let finding = leftovers(target.path());
        assert!(finding.found.starts_with("1 stage"), "{finding:?}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_broken() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(writable(&file).verdict, Verdict::Broken(_)));
        assert_eq!(writable(&directory.path().join("target")).verdict, Verdict::Good);
        assert_eq!(fs::read_dir(directory.path().join("target/liveswap")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_everybody_can_write_is_broken_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        assert_eq!(writable(&target).verdict, Verdict::Good);
        assert_eq!(trusted(&target).verdict, Verdict::Good);
        fs::set_permissions(&target, fs::Permissions::from_mode(0o777)).unwrap();
        let finding = trusted(&target);
        let Verdict::Broken(remedy) = &finding.verdict else { panic!("{finding:?}") };
        assert!(remedy.starts_with("`chmod go-w ") && remedy.contains("--target-dir"), "{remedy}");
        assert!(finding.found.contains("mode 0777: everybody may"), "{finding:?}");
    }
}
