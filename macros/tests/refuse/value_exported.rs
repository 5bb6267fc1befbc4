use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[unsafe(no_mangle)]
pub static LIMIT: u32 = 7;

#[hot]
#[unsafe(link_section = ".limits")]
static LOWER: u32 = 3;

fn main() {}
