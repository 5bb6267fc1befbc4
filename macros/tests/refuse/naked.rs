use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[unsafe(naked)]
pub extern "C" fn nothing() {
    std::arch::naked_asm!("ret")
}

fn main() {}
