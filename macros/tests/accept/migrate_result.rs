use liveswap_abi::state::Saved;
use liveswap_macros::hot;

type Made = Result<Vec<u8>, String>;

#[hot(migrate)]
pub fn by_another_name(_: Saved<'_>) -> Made {
    Err("never".to_owned())
}

#[test]
fn the_result_can_have_any_name() {
    let path = concat!(module_path!(), "::by_another_name");
    let listed = crate::hot_crate().migrations();
    let found = listed.iter().find(|migration| migration.path() == path);
    assert_eq!(found.map(|migration| migration.makes()), Some(std::any::type_name::<Vec<u8>>()));
}
