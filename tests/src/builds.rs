//! The same text compiled otherwise: against another version of a dependency, or with another profile.

use std::path::Path;

use crate::harness::{
    Host, Kept, Version, Workbench, dependency, first_with, host_linking, swap, v2, v3,
};

/// A hot crate whose function takes a type of its dependency, which does not describe itself.
const FLIES: &str = "#[hot]\npub fn fly(at: &mut far_away::Place) -> u32 {\n    at.0\n}";

/// The dependency, with a type that keeps its name, size and alignment in every version.
const FAR_AWAY: &str = "pub struct Place(pub u32);\n";

fn against(library: &Path, number: &str) -> Version {
    first_with(FLIES).linking("far_away", library).numbered(number)
}

/// The program that is linked with [`FLIES`], itself compiled against `library`.
fn program(bench: &Workbench, library: &Path) -> Host {
    let linked = first_with(FLIES).linking("far_away", library);
    let mut program = bench.bare_program(&host_linking(&linked, &[("far_away", library)]));
    program.command.arg("--artifact").arg(bench.artifact());
    program.command.arg("--stage-dir").arg(bench.root());
    program.start()
}

#[test]
fn a_dependency_of_another_version_is_refused_where_its_types_cross() {
    let bench = Workbench::new();
    let first = dependency("far_away", "far-away-1", FAR_AWAY);
    let second = dependency("far_away", "far-away-2", FAR_AWAY);
    let good = [against(&first, "2"), against(&first, "3")];
    let upgraded = against(&second, "4");
    let mut host = program(&bench, &first);
    upgraded.artifact();
    good[1].artifact();
    swap(&bench, &mut host, &good[0], 1);
    let states = Kept::made_by(&mut host);

    bench.install(&upgraded);
    let line = host.event(&["refused "]);
    assert!(line.starts_with("refused step=check "), "{line}");
    let told: Vec<&str> = line.split(" item={").skip(1).collect();
    assert_eq!(told.len(), 1, "{line}");
    let words = "Place} expected={a type of the crate that the program was compiled with} found={one of that name in \
                 another version or build of that crate} remedy={change it back, or restart the program: \
                 `hot_fixture::fly` reaches it}";
    assert!(told[0].starts_with(words), "{words} in {line}");
    host.runs(2);
    assert_eq!(host.ask(&["generation"]), "1");
    assert_eq!(host.ask(&["images"]), "1", "what was refused does not stay loaded");
    states.assert_untouched(&mut host, "another version of a dependency");

    swap(&bench, &mut host, &good[1], 2);
    host.runs(3);
    host.finish();
}

#[test]
fn a_dependency_of_another_version_is_taken_where_none_of_its_types_cross() {
    let bench = Workbench::new();
    let library = dependency("far_away", "far-away-2", FAR_AWAY);
    let inside = "#[allow(dead_code)]\nfn inside() -> u32 {\n    far_away::Place(1).0\n}";
    let version = v2().with(inside).linking("far_away", &library);
    version.artifact();
    let mut host = bench.start();
    let states = Kept::made_by(&mut host);
    let line = swap(&bench, &mut host, &version, 1);
    assert!(line.contains("class=body added=[]"), "{line}");
    host.runs(2);
    states.assert_untouched(&mut host, "another version of a dependency");
    host.finish();
}

#[test]
fn what_a_profile_does_to_code_alone_is_taken() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let states = Kept::made_by(&mut host);
    let mut generation = 0;
    for option in ["opt-level=2", "overflow-checks=no", "debug-assertions=no", "debuginfo=1"] {
        generation += 1;
        let version = v2().compiled_with(option);
        version.artifact();
        let line = swap(&bench, &mut host, &version, generation);
        assert!(line.contains("class=body added=[]"), "{option}: {line}");
        host.runs(2);
        states.assert_untouched(&mut host, option);
        // The same text again would be no new generation where the option changes no byte.
        generation += 1;
        swap(&bench, &mut host, &v3(), generation);
        host.runs(3);
    }
    host.finish();
}

#[test]
fn what_a_profile_does_to_a_layout_is_refused() {
    const PROFILED: &str = "#[derive(liveswap_macros::Layout)]\n#[repr(C)]\npub struct Checked {\n    pub value: u32,\n    \
                            #[cfg(debug_assertions)]\n    pub checks: u32,\n}\n#[hot]\n\
                            pub fn checked(_: &mut Checked) {}";
    let bench = Workbench::new();
    let first = first_with(PROFILED);
    let mut program = bench.bare_program(&host_linking(&first, &[]));
    program.command.arg("--artifact").arg(bench.artifact());
    program.command.arg("--stage-dir").arg(bench.root());
    let good = [first.clone().numbered("2"), first.clone().numbered("3")];
    let other = first.numbered("4").compiled_with("debug-assertions=no");
    good.iter().chain([&other]).for_each(|version| {
        version.artifact();
    });
    let mut host = program.start();
    swap(&bench, &mut host, &good[0], 1);
    let states = Kept::made_by(&mut host);

    bench.install(&other);
    let line = host.event(&["refused "]);
    assert!(line.starts_with("refused step=check "), "{line}");
    assert!(
        line.contains(" item={Checked.checks} expected={u32 at 4} found={gone} remedy={"),
        "{line}"
    );
    assert!(line.contains(" item={Checked} expected={size 8} found={4} remedy={"), "{line}");
    host.runs(2);
    assert_eq!(host.ask(&["generation"]), "1");
    states.assert_untouched(&mut host, "another profile");

    swap(&bench, &mut host, &good[1], 2);
    host.runs(3);
    host.finish();
}
