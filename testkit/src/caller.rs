//! The flags that whoever started this test program gave to cargo, where the system can be asked.
//!
//! They decide the features of dependencies and with them what crates are to the compiler. They are a hint only: a lab
//! asks cargo what they lead to.

/// Flags that choose packages and features, with whether a value follows.
const KEPT: &[(&str, bool)] = &[
    ("--all", false),
    ("--all-features", false),
    ("--config", true),
    ("--exclude", true),
    ("--features", true),
    ("--frozen", false),
    ("--locked", false),
    ("--no-default-features", false),
    ("--offline", false),
    ("--package", true),
    ("--workspace", false),
    ("-F", true),
    ("-p", true),
];

/// How far up cargo is looked for: a test may start its own program again, and that one another.
const GENERATIONS: usize = 8;

/// The flags of the cargo that runs this program, itself or through programs in between; `None` if there is none.
pub(crate) fn flags() -> Option<Vec<String>> {
    let mut process = std::process::id();
    for _ in 0..GENERATIONS {
        process = parent(process)?;
        if let Some(flags) = flags_of(&arguments(process)?) {
            return Some(flags);
        }
    }
    None
}

#[cfg(target_os = "linux")]
fn parent(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(target_os = "linux")]
fn arguments(process: u32) -> Option<Vec<String>> {
    let bytes = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let arguments = bytes.split(|byte| *byte == 0);
    Some(arguments.map(|it| String::from_utf8_lossy(it).into_owned()).collect())
}

#[cfg(not(target_os = "linux"))]
fn parent(_: u32) -> Option<u32> {
    None
}

#[cfg(not(target_os = "linux"))]
fn arguments(_: u32) -> Option<Vec<String>> {
    None
}

fn flags_of(arguments: &[String]) -> Option<Vec<String>> {
    let program = std::path::Path::new(arguments.first()?).file_stem()?.to_str()?;
    if program != "cargo" && program != "cargo-nextest" {
        return None;
    }
    let mut kept = Vec::new();
    let mut rest = arguments[1..].iter().take_while(|argument| *argument != "--");
    while let Some(argument) = rest.next() {
        let name = argument.split_once('=').map_or(argument.as_str(), |(name, _)| name);
        let Some((name, valued)) = KEPT.iter().find(|(kept, _)| *kept == name) else { continue };
        kept.push(argument.clone());
        if *valued && argument.len() == name.len() {
            kept.extend(rest.next().cloned());
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Vec<String>> {
        flags_of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_chooses_packages_and_features_is_kept() {
        let kept =
            of("/usr/bin/cargo test --workspace -j2 --features a,b --package=x -- --features c");
        assert_eq!(kept.expect("it is cargo"), ["--workspace", "--features", "a,b", "--package=x"]);
        assert_eq!(of("cargo-nextest nextest run -p a").expect("it is cargo"), ["-p", "a"]);
        assert_eq!(of("/bin/sh -c test"), None);
    }
}
