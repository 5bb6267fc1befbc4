use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn area(width: u32, #[cfg(windows)] depth: u32, #[cfg_attr(windows, allow(unused))] height: u32) -> u32 {
    width * height
}

fn main() {}
