use liveswap_abi::layout::Fingerprint;
use liveswap_macros::Layout;

#[derive(Debug, Layout, PartialEq)]
enum Bits {
    Number(u32),
    Float(f32),
}

/// Without the derive.
union Raw {
    number: u32,
    float: f32,
}

#[derive(Layout)]
struct Register {
    raw: Raw,
}

#[test]
fn an_enum_is_described_and_a_union_counts_by_its_size() {
    assert_ne!(Fingerprint::of::<Bits>(), Fingerprint::of::<Register>());
    let register = Register { raw: Raw { number: 0 } };
    assert_ne!(Bits::Number(0), Bits::Float(0.0));
    let _ = (register.raw, Raw { float: 0.0 });
}
