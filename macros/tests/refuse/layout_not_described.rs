use liveswap_abi::layout::Fingerprint;
use liveswap_macros::Layout;

pub struct Plain;

#[derive(Layout)]
pub struct Described<T> {
    pub value: T,
}

fn main() {
    Fingerprint::of::<Plain>();
    Fingerprint::of::<Described<Plain>>();
}
