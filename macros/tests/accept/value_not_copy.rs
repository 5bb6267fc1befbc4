use liveswap_macros::hot;

pub struct Names([Option<Box<u8>>; 1]);

#[hot]
static NAMES: Names = Names([None]);

#[test]
fn it_is_lent() {
    assert!(NAMES.with(|names| names.0[0].is_none()));
}
