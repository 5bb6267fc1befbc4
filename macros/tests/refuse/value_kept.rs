use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub static LIMITS: [u32; 2] = [1, 2];

fn main() {
    let kept: &[u32; 2] = LIMITS.with(|limits| limits);
    println!("{kept:?}");
}
