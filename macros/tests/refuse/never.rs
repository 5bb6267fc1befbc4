use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn run(world: &mut u32) -> ! {
    loop {
        *world += 1;
    }
}

fn main() {}
