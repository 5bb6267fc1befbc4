use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn largest<T: PartialOrd + Copy>(values: &[T]) -> Option<T> {
    values.iter().copied().reduce(|a, b| if b > a { b } else { a })
}

fn main() {}
