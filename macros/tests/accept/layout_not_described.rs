use liveswap_abi::layout::Fingerprint;
use liveswap_macros::Layout;

#[derive(Layout)]
struct Plain;

#[derive(Layout)]
struct Described<T> {
    value: T,
}

#[test]
fn a_generic_type_is_described_where_its_arguments_are() {
    assert_ne!(Fingerprint::of::<Plain>(), Fingerprint::of::<Described<Plain>>());
    let _ = Described { value: Plain }.value;
}
