use super::*;
use crate::args::Place;
use crate::project::{Host, HotCrate};

fn project() -> Project {
    Project {
        workspace: "/w".into(),
        target_directory: "/w/target".into(),
        host: Host {
            name: "host".to_owned(),
            binary: "game".to_owned(),
            manifest: "/w/host/Cargo.toml".into(),
            environment: Vec::new(),
        },
        hot: vec![HotCrate {
            package: "game-logic".to_owned(),
            name: "game_logic".to_owned(),
            users: ["game".to_owned()].into(),
        }],
        only_hot: ["game-logic".to_owned()].into(),
    }
}

fn flags(what: &What) -> CargoFlags {
    described(&project(), what, "game-logic").flags
}

#[test]
fn what_was_asked_for_is_what_cargo_is_asked_for() {
    let what = What {
        features: vec!["sound,net".to_owned()],
        no_default_features: true,
        target: Some("x".to_owned()),
        jobs: Some("2".to_owned()),
        frozen: true,
        place: Place { target_dir: Some("target".into()), manifest_path: None },
        ..What::default()
    };
    let flags = flags(&what);
    assert_eq!(flags.features, ["sound", "net"]);
    assert!(flags.no_default_features && !flags.all_features);
    assert_eq!(flags.target.as_deref(), Some("x"));
    assert_eq!(flags.target_dir.as_deref(), Some(Path::new("/w/target")));
    assert_eq!(flags.manifest_path, None);
    assert_eq!(flags.other, ["--frozen", "--jobs", "2"]);
    let built = described(&project(), &What::default(), "game-logic");
    assert_eq!(built.host.package, "host");
    assert_eq!(built.host.target, HostTarget::Bin("game".to_owned()));
    assert_eq!(built.hot_package, "game-logic");
}

#[test]
fn hot_functions_stay_replaceable_in_every_profile() {
    let release = What { release: true, ..What::default() };
    let custom = What { profile: Some("fast".to_owned()), ..What::default() };
    let dev = What { profile: Some("dev".to_owned()), ..What::default() };
    let table: [(&What, Option<&str>, &[&str]); 4] = [
        (&What::default(), None, &[]),
        (&dev, Some("dev"), &[]),
        (
            &release,
            Some("release"),
            &["profile.release.package.liveswap-abi.debug-assertions=true"],
        ),
        (&custom, Some("fast"), &["profile.fast.package.liveswap-abi.debug-assertions=true"]),
    ];
    for (what, profile, config) in table {
        let flags = flags(what);
        assert_eq!(flags.profile.as_deref(), profile);
        assert_eq!(flags.config, config);
    }
}
