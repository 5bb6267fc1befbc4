use liveswap_abi::state::Saved;
use liveswap_macros::hot;

pub struct World {
    depth: f64,
}

/// Meters; they were feet.
#[hot(migrate)]
fn in_meters(old: Saved<'_>) -> Result<World, String> {
    let feet: f64 = old.read()?;
    Ok(World { depth: feet * 0.3048 })
}

#[test]
fn it_is_listed_with_what_it_makes() {
    let path = concat!(module_path!(), "::in_meters");
    let listed = crate::hot_crate().migrations();
    let found = listed.iter().find(|migration| migration.path() == path);
    assert_eq!(found.map(|migration| migration.makes()), Some(std::any::type_name::<World>()));
    assert!(World { depth: 1.0 }.depth > 0.0);
}
