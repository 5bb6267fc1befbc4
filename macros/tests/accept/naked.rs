use liveswap_macros::hot;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[unsafe(naked)]
extern "C" fn nothing() {
    std::arch::naked_asm!("ret")
}

#[hot]
fn call() -> u32 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    nothing();
    7
}

#[test]
fn a_hot_function_calls_a_naked_one() {
    assert_eq!(call(), 7);
}
