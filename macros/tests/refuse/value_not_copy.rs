use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct Names([Option<Box<u8>>; 1]);

#[hot]
pub static NAMES: Names = Names([None]);

fn main() {
    let names = NAMES.get();
    drop(names.0);
}
