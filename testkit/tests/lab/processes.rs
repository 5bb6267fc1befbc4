//! Several processes, at once and one after the other, and what the target directory holds between them.

use std::fs;
use std::process::{Child, Command, Stdio};

use kit_shop::rules;
use liveswap_testkit::{Error, Lab};

use crate::child::PERCENT;

fn start(test: &str, percent: u32) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored"]).env(PERCENT, percent.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn succeeds(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{error}");
}

#[test]
fn two_processes_do_not_disturb_each_other() -> Result<(), Error> {
    // This one has a lab meanwhile, so there are three.
    let lab = Lab::for_crate("kit-shop")?;
    let children = [start("child::swaps_in_turn", 60), start("child::swaps_in_turn", 70)];
    let change = |text: &str, to: &u32| text.replace("* 10 /", &format!("* {to} /"));
    for version in lab.versions("src/rules.rs", 80..84, change)? {
        assert_eq!(rules::discount(100), version?.0);
    }
    children.into_iter().for_each(succeeds);
    assert_eq!(rules::discount(100), 83);
    Ok(())
}

#[test]
fn what_was_built_once_is_not_compiled_again() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let percent = 91;
    let to = format!("* {percent}");
    lab.edit("src/rules.rs", |text| text.replace("* 10", &to))?.swap()?;
    let again = lab.build()?;
    assert!(again.cached && again.builder.is_none(), "in the same process");
    succeeds(start("child::finds_everything_built", percent));
    Ok(())
}

#[test]
fn dependencies_are_taken_over_and_not_compiled() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("\"price\"", "\"cost\""))?.swap()?;
    assert_eq!(rules::json(5), "{\"cost\":5}");
    let target = lab.target_directory();
    let seeded = fs::metadata(target.join("seeded")).and_then(|it| it.modified()).unwrap();
    let mut found = Vec::new();
    for profile in fs::read_dir(&target).unwrap().flatten() {
        for entry in fs::read_dir(profile.path().join("deps")).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".rlib") && !name.starts_with("libkit_") {
                let modified = entry.metadata().and_then(|it| it.modified()).unwrap();
                assert!(modified <= seeded, "{name} was compiled for the lab");
                found.push(name);
            }
        }
    }
    for name in ["libserde_json-", "libliveswap_abi-", "liblinkme-"] {
        assert!(found.iter().any(|it| it.starts_with(name)), "{name} in {found:?}");
    }
    Ok(())
}
